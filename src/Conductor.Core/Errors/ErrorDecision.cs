namespace Conductor.Errors;

/// <summary>What is done about an error, in full. Immutable.</summary>
public sealed record ErrorDecision
{
    /// <summary>What is done.</summary>
    public required ErrorAction Action { get; init; }

    /// <summary>How long to wait before the retry; zero unless it is one.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Attempts made so far.</summary>
    public int Attempt { get; init; }

    /// <summary>Why, for people.</summary>
    public required string Reason { get; init; }

    /// <summary>The dead letter that was kept, if one was.</summary>
    public ErrorRecord? Record { get; init; }
}
