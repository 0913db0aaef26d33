namespace Conductor.Messaging;

/// <summary>The names of the channels.</summary>
public static class Channels
{
    /// <summary>To all agents.</summary>
    public const string Broadcast = "conductor:broadcast";

    /// <summary>Errors that were escalated, for human attention.</summary>
    public const string Errors = "conductor:errors";

    /// <summary>Dead letters, as they are kept.</summary>
    public const string DeadLetters = "conductor:dlq";

    /// <summary>Progress of tasks outside workflows.</summary>
    public const string Status = "conductor:status";

    private const string AgentPrefix = "conductor:agent:";
    private const string PhasePrefix = "conductor:phase:";
    private const string WorkflowPrefix = "conductor:workflow:";
    private const string ResultPrefix = "conductor:results:";
    private const string ReplyPrefix = "conductor:reply:";

    /// <summary>To one agent: assignments and messages.</summary>
    /// <param name="agentId">The agent.</param>
    public static string Agent(string agentId) => AgentPrefix + agentId;

    /// <summary>To those who follow a phase: its begin and its end, in any run.</summary>
    /// <param name="phase">The phase.</param>
    public static string Phase(WorkflowPhase phase) => PhasePrefix + phase.Name;

    /// <summary>To those who follow a run: progress, changes, cancellation.</summary>
    /// <param name="workflowId">The run.</param>
    public static string Workflow(string workflowId) => WorkflowPrefix + workflowId;

    /// <summary>To one coordinator: the results of the attempts it assigned.</summary>
    /// <param name="coordinatorId">The coordinator.</param>
    public static string Results(string coordinatorId) => ResultPrefix + coordinatorId;

    /// <summary>To one bus: the answers to its requests.</summary>
    /// <param name="busId">The bus.</param>
    public static string Reply(string busId) => ReplyPrefix + busId;

    /// <summary>The channel with its variable part as a placeholder: what telemetry may show without an id.</summary>
    /// <param name="channel">A channel.</param>
    internal static string Template(string channel)
    {
        if (!channel.StartsWith("conductor:", StringComparison.Ordinal))
        {
            return channel;
        }

        return channel switch
        {
            _ when channel.StartsWith(AgentPrefix, StringComparison.Ordinal) => "conductor:agent:{id}",
            _ when channel.StartsWith(ResultPrefix, StringComparison.Ordinal) => "conductor:results:{id}",
            _ when channel.StartsWith(WorkflowPrefix, StringComparison.Ordinal) => "conductor:workflow:{id}",
            _ when channel.StartsWith(ReplyPrefix, StringComparison.Ordinal) => "conductor:reply:{id}",
            _ => channel,
        };
    }
}
