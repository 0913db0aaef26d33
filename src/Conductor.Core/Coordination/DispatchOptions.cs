using Conductor.Threading;

namespace Conductor.Coordination;

/// <summary>Settings of dispatch.</summary>
public sealed class DispatchOptions
{
    /// <summary>The default of <see cref="QueueCapacity"/>: 10,000.</summary>
    public const int DefaultQueueCapacity = 10_000;

    /// <summary>The default of <see cref="AgeingInterval"/>: 30 seconds.</summary>
    public static readonly TimeSpan DefaultAgeingInterval = TimeSpan.FromSeconds(30);

    /// <summary>The default of <see cref="PolicyRecheckInterval"/> and <see cref="AgentStateInterval"/>: 1 second.</summary>
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(1);

    /// <summary>The default of <see cref="CancellationGracePeriod"/>: 5 seconds.</summary>
    public static readonly TimeSpan DefaultCancellationGracePeriod = TimeSpan.FromSeconds(5);

    /// <summary>How many tasks may wait for an agent or for capacity; one more fails with QUEUE_FULL. At least 1.</summary>
    /// <value>Default: 10,000.</value>
    public int QueueCapacity { get; set; } = DefaultQueueCapacity;

    /// <summary>
    /// How long a task may wait for its first agent; then it fails with NO_AVAILABLE_AGENT. Zero: it never waits. Zero or more. Where no agent of its
    /// type is registered a task fails at once, unless the store is shared (<see cref="State.StateManager.IsShared"/>), and some may be yet, here or
    /// elsewhere: then it waits as long as this says. Tasks of a run wait for agents of their type that are there, and for what policies deny for the
    /// time being, without a limit, since a run keeps both busy itself; <see cref="WorkflowDefinition.Timeout"/> limits the run.
    /// </summary>
    /// <value>Default: null, no limit.</value>
    public TimeSpan? WaitLimit { get; set; }

    /// <summary>After how long a waiting task counts as one priority higher, so that none is starved. Over zero.</summary>
    /// <value>Default: 30 seconds.</value>
    public TimeSpan AgeingInterval { get; set; } = DefaultAgeingInterval;

    /// <summary>
    /// How often tasks that a policy denied for the time being are judged again, beside whenever a running task ends: the first of each agent type
    /// and policy, after it as many as are allowed, and 256 others, those first that were judged longest ago. Of those that
    /// <see cref="Policies.MaxConcurrentTasksPolicy"/> denied, the first stands for all. From 1 ms to some 49 days.
    /// </summary>
    /// <value>Default: 1 second.</value>
    public TimeSpan PolicyRecheckInterval { get; set; } = DefaultInterval;

    /// <summary>
    /// How long an agent's code may take to heed its cancelled token before the agent is set aside, and its hooks before they are left to
    /// themselves. Zero or more.
    /// </summary>
    /// <value>Default: 5 seconds.</value>
    public TimeSpan CancellationGracePeriod { get; set; } = DefaultCancellationGracePeriod;

    /// <summary>How often changed agent states are saved in the background; the newest wins. Over zero.</summary>
    /// <value>Default: 1 second.</value>
    public TimeSpan AgentStateInterval { get; set; } = DefaultInterval;

    /// <summary>What is wrong with the settings, a sentence each that quotes the setting, the value and the fix.</summary>
    /// <param name="path">Where the settings stand, to quote them by.</param>
    public IEnumerable<string> Problems(string path)
    {
        if (QueueCapacity < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(QueueCapacity)} is {QueueCapacity}; set it to 1 or more.");
        }

        if (WaitLimit < TimeSpan.Zero)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(WaitLimit)} is {WaitLimit}; set it to zero or more, or leave it out for no limit.");
        }

        if (AgeingInterval <= TimeSpan.Zero)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(AgeingInterval)} is {AgeingInterval}; set it to more than zero.");
        }

        foreach (var problem in TimerRange.Problems($"{path}.{nameof(CancellationGracePeriod)}", CancellationGracePeriod, TimeSpan.Zero)
            .Concat(TimerRange.Problems($"{path}.{nameof(PolicyRecheckInterval)}", PolicyRecheckInterval))
            .Concat(TimerRange.Problems($"{path}.{nameof(AgentStateInterval)}", AgentStateInterval)))
        {
            yield return problem;
        }
    }
}
