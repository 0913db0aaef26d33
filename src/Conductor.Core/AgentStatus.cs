using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>What an agent is doing. Its wire names are snake_case.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<AgentStatus>))]
public enum AgentStatus
{
    /// <summary>Ready to take a task: the only status in which it is given one.</summary>
    Idle,

    /// <summary>Running a task.</summary>
    Running,

    /// <summary>Broken off after repeated failures: waits until its circuit breaker lets a trial through.</summary>
    Waiting,

    /// <summary>Set aside: its code ignored a cancellation beyond the grace period.</summary>
    Failed,

    /// <summary>Stopped: it takes no task until it is registered again.</summary>
    Stopped,
}
