namespace Conductor.Policies;

/// <summary>
/// A rule that is asked before an action is taken. Derive from <see cref="Policy{TContext}"/> to judge one kind of action.
/// Implementations must be thread-safe, and quick: they stand in front of every dispatch.
/// </summary>
public abstract class Policy
{
    private PolicyResult? _notConcerned;

    /// <summary>The policy's name, unique in an engine.</summary>
    public abstract string Name { get; }

    /// <summary>What it rules, for people.</summary>
    public abstract string Description { get; }

    /// <summary>Whom its denial concerns. Default: <see cref="PolicyTarget.Automatic"/>.</summary>
    public virtual PolicyTarget Target => PolicyTarget.Automatic;

    /// <summary>Judges an action. A kind of action that the policy does not judge is allowed.</summary>
    /// <param name="context">The action.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask<PolicyResult> EvaluateAsync(PolicyContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Judges(context) ? JudgeAsync(context, cancellationToken) : new ValueTask<PolicyResult>(NotConcerned);
    }

    /// <summary>The allowance of what it does not judge.</summary>
    internal PolicyResult NotConcerned => _notConcerned ??= PolicyResult.Allow(Name, "This kind of action is not its concern.");

    /// <summary>Judges an action of a kind that it judges, for whoever has asked.</summary>
    internal ValueTask<PolicyResult> JudgeAsync(PolicyContext context, CancellationToken cancellationToken) => EvaluateCoreAsync(context, cancellationToken);

    /// <summary>Whether it judges this kind of action.</summary>
    /// <param name="context">The action.</param>
    public abstract bool Judges(PolicyContext context);

    /// <summary>Judges an action of a kind that it judges.</summary>
    /// <param name="context">The action.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<PolicyResult> EvaluateCoreAsync(PolicyContext context, CancellationToken cancellationToken);
}
