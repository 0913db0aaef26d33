using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>A piece of work for an agent. Immutable; build variants with <c>with</c>.</summary>
public sealed record TaskDefinition : ExtensibleRecord
{
    /// <summary>The default of <see cref="Timeout"/>: 2 minutes.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(2);

    /// <summary>The largest <see cref="Timeout"/>: 24 hours.</summary>
    public static readonly TimeSpan MaxTimeout = TimeSpan.FromHours(24);

    /// <summary>Stands for none, in less room than a value that may be null: there is a definition for every task.</summary>
    private static readonly TimeSpan _noTimeout = new(long.MinValue + 1);

    private readonly TimeSpan _timeout = _noTimeout;
    private readonly string? _name;
    private LazyId _id = LazyId.New();

    /// <summary>
    /// Unique text. It names the execution: dispatching an id whose result is recorded returns that result. Default: a new
    /// <see cref="EntityId"/>.
    /// </summary>
    public string Id
    {
        get => _id.Text!;
        init => _id = new LazyId(value);
    }

    /// <summary>The id, for whoever does not need it as text.</summary>
    internal LazyId LazyId => _id;

    /// <summary>A name for people. Default: the id.</summary>
    public string Name
    {
        get => _name ?? Id;
        init => _name = value;
    }

    /// <summary>Whether a name was given: the id is none that is written down.</summary>
    internal bool HasName => _name is not null;

    /// <summary>What is to be done, for people.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Description { get; init; }

    /// <summary>The type of agent that can do it.</summary>
    public required AgentType AgentType { get; init; }

    /// <summary>The workflow phase it belongs to. Default: the phase of its agent type, see <see cref="WorkflowPhase.For"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WorkflowPhase? Phase { get; init; }

    /// <summary>Its place among waiting tasks. Default: <see cref="TaskPriority.Medium"/>.</summary>
    public TaskPriority Priority { get; init; } = TaskPriority.Medium;

    /// <summary>What the agent gets. Default: empty.</summary>
    public TaskData Input { get; init; } = TaskData.Empty;

    /// <summary>
    /// The time one attempt may take: over zero, at most 24 hours. Default: 2 minutes; where it is not set, the time limit is that of the task timeout
    /// policy (<see cref="Policies.TaskTimeoutPolicy.DefaultTimeout"/>), if there is one.
    /// </summary>
    public TimeSpan Timeout
    {
        get => OwnTimeout ?? DefaultTimeout;
        init => _timeout = value;
    }

    /// <summary>The timeout as far as it was set: one that was not is none that is written down.</summary>
    internal TimeSpan? OwnTimeout => _timeout == _noTimeout ? null : _timeout;

    /// <summary>
    /// The time all attempts, waits and backoffs together may take. An attempt that it ends before <see cref="Timeout"/> would have is no failure
    /// of the agent: neither its breaker nor its state counts it. In a run it counts from when the task is handed to the coordinator, not from when it
    /// became ready: a big run hands over no more tasks of a type at once than <see cref="Workflows.WorkflowOptions.TaskWindow"/> says. Where another owner
    /// goes on with the run, the task begins anew, and its time with it (the run's own <see cref="WorkflowDefinition.Timeout"/> goes on). Default: null, no
    /// limit.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? Deadline { get; init; }

    /// <summary>
    /// Ids of tasks of the same workflow that must be done before it; without meaning for a task that is dispatched by itself. Default: none.
    /// </summary>
    public IReadOnlyList<string> DependsOn { get; init => field = Snapshot.Of(value); } = Snapshot.None<string>();

    /// <summary>True when its failure is skipped instead of fatal. Default: false.</summary>
    public bool Optional { get; init; }

    /// <summary>
    /// The key outside systems and <c>OnceAsync</c> recognize the task by; the feedback round is appended. Default: the execution key
    /// (run, task, round). Not blank: the effects of tasks with one key are one.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? IdempotencyKey { get; init; }

    /// <summary>Retry settings of this task alone. Default: null, those of its agent type.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RetrySettings? Retry { get; init; }

    /// <summary>
    /// Breaker settings that this task is judged by: how many failures open its agent's breaker, whether it may be a trial beside others, how many
    /// successes close it. Default: null, those of its agent type.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CircuitBreakerSettings? CircuitBreaker { get; init; }

    /// <summary>When it was made, if said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>The user's own notes.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init => field = Snapshot.Of(value); } = Snapshot.EmptyMap;
}
