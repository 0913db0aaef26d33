namespace Conductor.Tests.Serialization;

/// <summary>JSON leaves fields out.</summary>
internal sealed class PublicFields
{
    public int N;
}
