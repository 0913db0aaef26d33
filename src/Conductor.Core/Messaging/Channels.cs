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

    private static readonly ChannelNames _agentNames = new(AgentPrefix + "{id}");
    private static readonly ChannelNames _resultNames = new(ResultPrefix + "{id}");
    private static readonly ChannelNames _workflowNames = new(WorkflowPrefix + "{id}");
    private static readonly ChannelNames _replyNames = new(ReplyPrefix + "{id}");

    /// <summary>To one agent: assignments and messages.</summary>
    /// <param name="agentId">The agent.</param>
    public static string Agent(string agentId) => AgentPrefix + agentId;

    /// <summary>To those who follow a phase: its begin and its end, in any run.</summary>
    /// <param name="phase">The phase.</param>
    /// <exception cref="ArgumentException">The phase is nameless.</exception>
    public static string Phase(WorkflowPhase phase)
    {
        phase.ThrowIfNameless(nameof(phase));
        return PhasePrefix + phase.Name;
    }

    /// <summary>To those who follow a run: progress, changes, cancellation.</summary>
    /// <param name="workflowId">The run.</param>
    public static string Workflow(string workflowId) => WorkflowPrefix + workflowId;

    /// <summary>To one coordinator: the results of the attempts it assigned.</summary>
    /// <param name="coordinatorId">The coordinator.</param>
    public static string Results(string coordinatorId) => ResultPrefix + coordinatorId;

    /// <summary>To one bus: the answers to its requests.</summary>
    /// <param name="busId">The bus.</param>
    public static string Reply(string busId) => ReplyPrefix + busId;

    /// <summary>The channel without ids, to tell of it in telemetry and logs.</summary>
    internal static string Template(string channel) => NamesOf(channel)?.Template ?? channel;

    /// <summary>What telemetry calls it.</summary>
    internal static ChannelNames Names(string channel) => NamesOf(channel) ?? new ChannelNames(channel);

    private static ChannelNames? NamesOf(string channel) => channel switch
    {
        _ when !channel.StartsWith("conductor:", StringComparison.Ordinal) => null,
        _ when channel.StartsWith(AgentPrefix, StringComparison.Ordinal) => _agentNames,
        _ when channel.StartsWith(ResultPrefix, StringComparison.Ordinal) => _resultNames,
        _ when channel.StartsWith(WorkflowPrefix, StringComparison.Ordinal) => _workflowNames,
        _ when channel.StartsWith(ReplyPrefix, StringComparison.Ordinal) => _replyNames,
        _ => null,
    };
}
