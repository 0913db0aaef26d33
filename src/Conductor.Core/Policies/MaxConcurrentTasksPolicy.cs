namespace Conductor.Policies;

/// <summary>
/// Limits how many tasks run at once in a coordinator. A denial is transient (the dispatch waits for a place), except at a limit of 0, which
/// denies all. Opt-in: <c>AddPolicy(new MaxConcurrentTasksPolicy(8))</c>. Immutable and thread-safe.
/// </summary>
public sealed class MaxConcurrentTasksPolicy : Policy<DispatchPolicyContext>
{
    /// <summary>The default limit: 5.</summary>
    public const int DefaultMaxTasks = 5;

    /// <summary>Makes the policy.</summary>
    /// <param name="maxTasks">How many tasks may run at once: 0 or more. Default: 5.</param>
    public MaxConcurrentTasksPolicy(int maxTasks = DefaultMaxTasks)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxTasks);
        MaxTasks = maxTasks;
    }

    /// <summary>How many tasks may run at once.</summary>
    public int MaxTasks { get; }

    /// <inheritdoc />
    public override string Name => "max_concurrent_tasks";

    /// <inheritdoc />
    public override string Description => $"At most {MaxTasks} task(s) run at once.";

    /// <inheritdoc />
    public override PolicyTarget Target => PolicyTarget.Task;

    /// <inheritdoc />
    protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new ValueTask<PolicyResult>(context.RunningTasks < MaxTasks
            ? Allowed
            : Denied($"{context.RunningTasks} task(s) run already, and {MaxTasks} is the limit.", isTransient: MaxTasks > 0));
    }
}
