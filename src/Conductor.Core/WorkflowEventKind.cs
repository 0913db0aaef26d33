using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>What a <see cref="WorkflowEvent"/> tells. Its wire names are snake_case.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<WorkflowEventKind>))]
public enum WorkflowEventKind
{
    /// <summary>The run began.</summary>
    WorkflowStarted,

    /// <summary>A phase began.</summary>
    PhaseStarted,

    /// <summary>
    /// A task was handed to the coordinator; where the store outlives the process, and such tasks are not brief, it had its agent and was about to
    /// begin.
    /// </summary>
    TaskStarted,

    /// <summary>A task ended; status and error say how.</summary>
    TaskFinished,

    /// <summary>A phase ended; the message says how.</summary>
    PhaseFinished,

    /// <summary>Feedback sent the run back.</summary>
    FeedbackRoundStarted,

    /// <summary>Something deserves a warning.</summary>
    Warning,

    /// <summary>The run was handed back by its process, to be taken over.</summary>
    HandedOver,

    /// <summary>The run was taken over and goes on.</summary>
    Resumed,

    /// <summary>The run goes on with another definition.</summary>
    Migrated,

    /// <summary>The run ended; status and error say how.</summary>
    WorkflowFinished,

    /// <summary>Not a happening: the position asked for is no longer kept, here is where the run stands instead.</summary>
    Snapshot,

    /// <summary>An agent reports progress. It has no position and may be lost.</summary>
    Progress,

    /// <summary>
    /// An attempt of a task failed, and another follows; the error says why, the message when. (The one that fails last is told of by
    /// <see cref="TaskFinished"/>.) Where the store outlives the process, <see cref="TaskStarted"/> comes again when the task has its agent.
    /// </summary>
    TaskRetrying,
}
