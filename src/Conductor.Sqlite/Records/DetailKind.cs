namespace Conductor.Sqlite.Records;

/// <summary>The parts of a run that grow slowly, by the number that stands in the table. Never change one.</summary>
internal enum DetailKind
{
    /// <summary>A passage through a phase.</summary>
    Phase = 1,

    /// <summary>A feedback round.</summary>
    FeedbackRound = 2,

    /// <summary>A line of the error log.</summary>
    LogEntry = 3,

    /// <summary>An agent that took part.</summary>
    Agent = 4,

    /// <summary>A task whose process died under it.</summary>
    Redelivery = 5,
}
