using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>
/// Where a task stands. Its wire names are snake_case. (The name <c>TaskStatus</c> would collide with the one of System.Threading.Tasks.)
/// </summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<AgentTaskStatus>))]
public enum AgentTaskStatus
{
    /// <summary>Not started.</summary>
    Pending,

    /// <summary>Dispatched and not finished.</summary>
    InProgress,

    /// <summary>Finished with an output.</summary>
    Completed,

    /// <summary>Failed for good.</summary>
    Failed,

    /// <summary>Cancelled by its caller or with its workflow: never a failure.</summary>
    Cancelled,

    /// <summary>Never run because a task it depends on failed; counts as failed at the gate.</summary>
    Blocked,

    /// <summary>An optional task that failed; counts as neither completed nor failed.</summary>
    Skipped,
}
