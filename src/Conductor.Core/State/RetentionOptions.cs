namespace Conductor.State;

/// <summary>How much of what is finished a store keeps, so that a process can live for a year.</summary>
/// <remarks>
/// In memory the counts hold at every moment. The SQLite store removes what is too much when it looks: at its retention interval (a minute by default) and
/// after every 256 runs and results that finished; until then it may keep more of both. No store gives what is older than <see cref="MaxAge"/>,
/// whether it was removed already or not.
/// </remarks>
public sealed class RetentionOptions
{
    /// <summary>The default of <see cref="MaxFinishedWorkflows"/>: 1,000.</summary>
    public const int DefaultMaxFinishedWorkflows = 1_000;

    /// <summary>The default of <see cref="MaxTaskResults"/>, <see cref="MaxDeadLetters"/> and <see cref="MaxEventsPerWorkflow"/>: 10,000.</summary>
    public const int DefaultMaxEntries = 10_000;

    /// <summary>The default of <see cref="MaxAge"/>: 7 days.</summary>
    public static readonly TimeSpan DefaultMaxAge = TimeSpan.FromDays(7);

    /// <summary>
    /// Finished runs kept at most, with their results, events and effects; the oldest go first. At least 0. (Effects of an execution of which there
    /// is a dead letter are kept as long as the letter.)
    /// </summary>
    /// <value>Default: 1,000.</value>
    public int MaxFinishedWorkflows { get; set; } = DefaultMaxFinishedWorkflows;

    /// <summary>
    /// Results of tasks outside workflows kept at most, with their effects; the oldest go first. At least 1. (Effects of an execution of which
    /// there is a dead letter are kept as long as the letter. Those of a task without a recorded result count for nothing here: see
    /// <see cref="MaxAge"/>.)
    /// </summary>
    /// <value>Default: 10,000.</value>
    public int MaxTaskResults { get; set; } = DefaultMaxEntries;

    /// <summary>
    /// Dead letters kept at most; the oldest go first, each with an error in the log. At least 1. They have no age, and the recorded effects of
    /// their executions are kept with them, so that a replay does not repeat those: they go with the letter when their run, or the result of their
    /// task, is kept no longer.
    /// </summary>
    /// <value>Default: 10,000.</value>
    public int MaxDeadLetters { get; set; } = DefaultMaxEntries;

    /// <summary>Events kept of one run; the oldest go first, and a reader that asks for them gets a snapshot event instead. At least 1.</summary>
    /// <value>Default: 10,000.</value>
    public int MaxEventsPerWorkflow { get; set; } = DefaultMaxEntries;

    /// <summary>
    /// How long finished runs and results of tasks outside workflows are kept: what is older is given by no read. (A finished run whose lease is still
    /// held is spared until that is released, or taken by somebody else.) Over zero. Effects of a task outside workflows of which
    /// no result is recorded (it is under way, it was cancelled, its process died) are kept for this long after the last of them, and never for less than
    /// 7 days: a task whose attempts lie further apart may run its effects again.
    /// </summary>
    /// <value>Default: 7 days.</value>
    public TimeSpan MaxAge { get; set; } = DefaultMaxAge;

    /// <summary>How long effects of a task without a result are kept after the last of them.</summary>
    internal TimeSpan MaxEffectAge => MaxAge > DefaultMaxAge ? MaxAge : DefaultMaxAge;

    /// <summary>What is wrong with the settings, a sentence each that quotes the setting, the value and the fix.</summary>
    /// <param name="path">Where the settings stand, to quote them by.</param>
    public IEnumerable<string> Problems(string path)
    {
        if (MaxFinishedWorkflows < 0)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(MaxFinishedWorkflows)} is {MaxFinishedWorkflows}; set it to 0 or more.");
        }

        if (MaxTaskResults < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(MaxTaskResults)} is {MaxTaskResults}; set it to 1 or more.");
        }

        if (MaxDeadLetters < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(MaxDeadLetters)} is {MaxDeadLetters}; set it to 1 or more.");
        }

        if (MaxEventsPerWorkflow < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(MaxEventsPerWorkflow)} is {MaxEventsPerWorkflow}; set it to 1 or more.");
        }

        if (MaxAge <= TimeSpan.Zero)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(MaxAge)} is {MaxAge}; set it to more than zero.");
        }
    }
}
