using Conductor.Threading;

namespace Conductor.Workflows;

/// <summary>Settings of the workflow engine.</summary>
public sealed class WorkflowOptions
{
    /// <summary>The default of <see cref="MaxFeedbackLoops"/>: 3.</summary>
    public const int DefaultMaxFeedbackLoops = 3;

    /// <summary>The default of <see cref="TaskWindow"/>: 128.</summary>
    public const int DefaultTaskWindow = 128;

    /// <summary>The default of <see cref="LeaseDuration"/>: 30 seconds.</summary>
    public static readonly TimeSpan DefaultLeaseDuration = TimeSpan.FromSeconds(30);

    /// <summary>The default of <see cref="MaxCrashes"/>: 3.</summary>
    public const int DefaultMaxCrashes = 3;

    /// <summary>The default of <see cref="RecoveryInterval"/>: 1 second.</summary>
    public static readonly TimeSpan DefaultRecoveryInterval = TimeSpan.FromSeconds(1);

    /// <summary>The default of <see cref="PollInterval"/>: 1 second.</summary>
    public static readonly TimeSpan DefaultPollInterval = TimeSpan.FromSeconds(1);

    /// <summary>How often feedback may send a run back, when its definition does not say; 0 turns the loop off. At least 0.</summary>
    /// <value>Default: 3.</value>
    public int MaxFeedbackLoops { get; set; } = DefaultMaxFeedbackLoops;

    /// <summary>The least severity that sends a run back, when its definition does not say.</summary>
    /// <value>Default: error.</value>
    public FeedbackSeverity FeedbackSeverity { get; set; } = FeedbackSeverity.Error;

    /// <summary>What happens at the limit with feedback still coming, when the definition does not say.</summary>
    /// <value>Default: fail.</value>
    public FeedbackLimitAction AtFeedbackLimit { get; set; } = FeedbackLimitAction.Fail;

    /// <summary>
    /// How many tasks of one agent type a run hands to the coordinator at once: so that a big run neither fills the queue nor keeps types apart from
    /// each other waiting. Where there are more agents of the type, it is as many as these. At least 1.
    /// </summary>
    /// <value>Default: 128.</value>
    public int TaskWindow { get; set; } = DefaultTaskWindow;

    /// <summary>
    /// How long a run stays with a process that gives no sign of life; it is renewed three times as often. A store
    /// that does not answer is waited for as long. Over zero.
    /// </summary>
    /// <remarks>
    /// Programs on one store may have different ones where the store says with a lease for how long it was taken (<see cref="State.Lease.Term"/>), as
    /// those of this library do. Where it does not, all of them need one: a living owner would lose its run to one that has less than half of its.
    /// </remarks>
    /// <value>Default: 30 seconds.</value>
    public TimeSpan LeaseDuration { get; set; } = DefaultLeaseDuration;

    /// <summary>How often watchers of a run that another process owns look at the store, beside when the bus rings. Over zero.</summary>
    /// <value>Default: 1 second.</value>
    public TimeSpan PollInterval { get; set; } = DefaultPollInterval;

    /// <summary>
    /// How often an engine looks for runs to take over: those handed over go on at the next look, those whose owner died after
    /// <see cref="LeaseDuration"/>. It sees then, too, which of its own runs were asked to be cancelled elsewhere. Over zero.
    /// </summary>
    /// <value>Default: 1 second.</value>
    public TimeSpan RecoveryInterval { get; set; } = DefaultRecoveryInterval;

    /// <summary>
    /// A task is given up as a dead letter when its process died this often while it ran, or waited for its next attempt. One crash before that, it runs
    /// alone: it waits up to half a minute until it is, and the tasks of other runs a quarter of its time limit, up to half a minute, while it is. At least
    /// 1: then everything that was under way is given up at the first crash.
    /// </summary>
    /// <value>Default: 3.</value>
    public int MaxCrashes { get; set; } = DefaultMaxCrashes;

    /// <summary>For the negative control of safety tests alone: goes on without a lease.</summary>
    internal bool IgnoresLeases { get; set; }

    internal WorkflowOptions Clone() => (WorkflowOptions)MemberwiseClone();

    /// <summary>What is wrong with the settings, a sentence each that quotes the setting, the value and the fix.</summary>
    /// <param name="path">Where the settings stand, to quote them by.</param>
    public IEnumerable<string> Problems(string path)
    {
        if (MaxFeedbackLoops < 0)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(MaxFeedbackLoops)} is {MaxFeedbackLoops}; set it to 0 (off) or more.");
        }

        if (TaskWindow < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(TaskWindow)} is {TaskWindow}; set it to 1 or more.");
        }

        if (MaxCrashes < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(MaxCrashes)} is {MaxCrashes}; set it to 1 or more.");
        }

        // A lease is renewed three times in its term, by a timer.
        foreach (var problem in SettingProblems.OfEnum($"{path}.{nameof(FeedbackSeverity)}", FeedbackSeverity)
            .Concat(SettingProblems.OfEnum($"{path}.{nameof(AtFeedbackLimit)}", AtFeedbackLimit))
            .Concat(TimerRange.Problems($"{path}.{nameof(LeaseDuration)}", LeaseDuration, 3 * TimerRange.Shortest))
            .Concat(TimerRange.Problems($"{path}.{nameof(RecoveryInterval)}", RecoveryInterval))
            .Concat(TimerRange.Problems($"{path}.{nameof(PollInterval)}", PollInterval)))
        {
            yield return problem;
        }
    }
}
