namespace Conductor.AotSmoke;

/// <summary>JSON leaves fields out.</summary>
internal sealed class Loose
{
    public string Text = string.Empty;
}
