namespace Conductor.Policies;

/// <summary>A rule for one kind of action.</summary>
/// <typeparam name="TContext">The kind: <see cref="DispatchPolicyContext"/>, <see cref="GatePolicyContext"/> or your own.</typeparam>
public abstract class Policy<TContext> : Policy
    where TContext : PolicyContext
{
    private PolicyResult? _allowed;

    /// <summary>This policy's allowance without a reason: one object for all, so that allowing costs nothing.</summary>
    protected PolicyResult Allowed => _allowed ??= PolicyResult.Allow(Name);

    /// <inheritdoc />
    public sealed override bool Judges(PolicyContext context) => context is TContext;

    /// <summary>This policy's denial.</summary>
    /// <param name="reason">Why, naming the value and the limit.</param>
    /// <param name="isTransient">Whether it may pass by itself, so that a dispatch waits. Default: false.</param>
    protected PolicyResult Denied(string reason, bool isTransient = false) => PolicyResult.Deny(Name, reason, isTransient);

    /// <summary>Judges an action.</summary>
    /// <param name="context">The action.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<PolicyResult> EvaluateAsync(TContext context, CancellationToken cancellationToken);

    /// <inheritdoc />
    protected sealed override ValueTask<PolicyResult> EvaluateCoreAsync(PolicyContext context, CancellationToken cancellationToken) =>
        EvaluateAsync((TContext)context, cancellationToken);
}
