namespace Conductor.Testing;

/// <summary>A <see cref="ConductorTestHost"/> waited for something that does not come. The message names it and shows where everything stands.</summary>
public sealed class StuckException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="awaited">What was waited for.</param>
    /// <param name="details">Where everything stands.</param>
    public StuckException(string awaited, string details)
        : base($"Stuck: '{awaited}' did not complete. {details}") =>
        Awaited = awaited;

    /// <summary>What was waited for.</summary>
    public string Awaited { get; }
}
