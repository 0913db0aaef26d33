namespace Conductor.State;

/// <summary>What became of an attempt to record a result. At most one result of an execution is recorded.</summary>
public enum RecordOutcome
{
    /// <summary>This result is the recorded one.</summary>
    Recorded,

    /// <summary>A result was recorded before; it stands.</summary>
    AlreadyRecorded,
}
