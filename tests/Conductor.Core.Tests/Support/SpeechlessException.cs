namespace Conductor.Tests.Support;

/// <summary>Throws when it is asked what it says.</summary>
public sealed class SpeechlessException : Exception
{
    public override string Message => throw new NotSupportedException("no text");
}
