namespace Conductor.Policies;

/// <summary>Keeps the time limit of tasks within bounds, and gives one to those that set none. Immutable and thread-safe.</summary>
public sealed class TaskTimeoutPolicy : Policy<DispatchPolicyContext>
{
    /// <summary>Makes the policy.</summary>
    /// <param name="defaultTimeout">The time limit of a task that sets none: over zero. Default: 2 minutes, or the longest one where that is shorter.</param>
    /// <param name="maxTimeout">The longest time limit: at least the default one, at most 24 hours. Default: 24 hours.</param>
    /// <exception cref="ArgumentOutOfRangeException">One of them is out of its range, or the longest time limit is shorter than the default one.</exception>
    public TaskTimeoutPolicy(TimeSpan? defaultTimeout = null, TimeSpan? maxTimeout = null)
    {
        MaxTimeout = maxTimeout ?? TaskDefinition.MaxTimeout;
        DefaultTimeout = defaultTimeout ?? (MaxTimeout < TaskDefinition.DefaultTimeout ? MaxTimeout : TaskDefinition.DefaultTimeout);

        // Each by itself first: what was not given is never what is wrong.
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(MaxTimeout, TimeSpan.Zero, nameof(maxTimeout));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxTimeout, TaskDefinition.MaxTimeout, nameof(maxTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(DefaultTimeout, TimeSpan.Zero, nameof(defaultTimeout));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(DefaultTimeout, TaskDefinition.MaxTimeout, nameof(defaultTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxTimeout, DefaultTimeout, nameof(maxTimeout));
    }

    /// <summary>The time limit of a task that sets none: it runs with this one.</summary>
    public TimeSpan DefaultTimeout { get; }

    /// <summary>The longest time limit.</summary>
    public TimeSpan MaxTimeout { get; }

    /// <inheritdoc />
    public override string Name => "task_timeout";

    /// <inheritdoc />
    public override string Description => $"A task's time limit is over zero and at most {MaxTimeout}.";

    /// <inheritdoc />
    protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var timeout = context.Task.OwnTimeout ?? DefaultTimeout;
        return new ValueTask<PolicyResult>(timeout > TimeSpan.Zero && timeout <= MaxTimeout
            ? Allowed
            : Denied($"the task's timeout is {timeout}; it must be over zero and at most {MaxTimeout} (unset, it is {DefaultTimeout})."));
    }
}
