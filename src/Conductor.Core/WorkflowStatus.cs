using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>Where a workflow run stands. Its wire names are snake_case.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<WorkflowStatus>))]
public enum WorkflowStatus
{
    /// <summary>Created, not started.</summary>
    Pending,

    /// <summary>Running.</summary>
    InProgress,

    /// <summary>Handed back by the process that ran it and waiting for another to take it over.</summary>
    Waiting,

    /// <summary>Every phase passed its gate.</summary>
    Completed,

    /// <summary>Ended by a gate, a time limit or feedback that found no end; <see cref="WorkflowState.Error"/> says which.</summary>
    Failed,

    /// <summary>Cancelled on request.</summary>
    Cancelled,
}
