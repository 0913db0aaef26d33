namespace Conductor.Policies;

/// <summary>Settings of the built-in policies.</summary>
public sealed class PolicyOptions
{
    /// <summary>The least share of a phase's tasks that must complete: 0 to 1.</summary>
    /// <value>Default: 1, every task.</value>
    public double MinPhaseSuccessRate { get; set; } = PhaseGatePolicy.DefaultMinSuccessRate;

    /// <summary>
    /// The longest time limit of a task: over zero, at most 24 hours. A task that sets none runs with 2 minutes, or with this where it is less.
    /// </summary>
    /// <value>Default: 24 hours.</value>
    public TimeSpan MaxTaskTimeout { get; set; } = TaskDefinition.MaxTimeout;

    /// <summary>How many tasks may run at once: 0 or more.</summary>
    /// <value>Default: null, as many as there are agents.</value>
    public int? MaxConcurrentTasks { get; set; }

    /// <summary>What is wrong with the settings, a sentence each that quotes the setting, the value and the fix.</summary>
    /// <param name="path">Where the settings stand, to quote them by.</param>
    public IEnumerable<string> Problems(string path)
    {
        if (!(MinPhaseSuccessRate is >= 0 and <= 1))
        {
            yield return FormattableString.Invariant($"{path}.{nameof(MinPhaseSuccessRate)} is {MinPhaseSuccessRate}; set it to 0 to 1.");
        }

        if (MaxTaskTimeout <= TimeSpan.Zero || MaxTaskTimeout > TaskDefinition.MaxTimeout)
        {
            yield return FormattableString.Invariant(
                $"{path}.{nameof(MaxTaskTimeout)} is {MaxTaskTimeout}; set it over zero and to at most {TaskDefinition.MaxTimeout}.");
        }

        if (MaxConcurrentTasks < 0)
        {
            yield return FormattableString.Invariant(
                $"{path}.{nameof(MaxConcurrentTasks)} is {MaxConcurrentTasks}; set it to 0 or more, or leave it out for no limit.");
        }
    }
}
