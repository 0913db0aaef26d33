namespace Conductor.Policies;

/// <summary>
/// What a policy judges: a snapshot of an action before it is taken. The kinds of this library are <see cref="DispatchPolicyContext"/> and
/// <see cref="GatePolicyContext"/>; derive your own for actions of your own. Immutable, but for a note of what the policy that judges has looked at.
/// </summary>
public abstract record PolicyContext
{
    /// <summary>Makes a context without a run and properties, of the first round.</summary>
    protected PolicyContext()
    {
    }

    /// <summary>Copies a context. Whoever copies one may look at all of it, so it counts as looked at.</summary>
    /// <param name="original">What is copied.</param>
    protected PolicyContext(PolicyContext original)
    {
        ArgumentNullException.ThrowIfNull(original);
        (WorkflowId, Round, Properties) = (original.WorkflowId, original.Round, original.Properties);
        original.LooksAtCandidate = true;
    }

    /// <summary>The run it happens in, if any.</summary>
    public string? WorkflowId { get; init; }

    /// <summary>The feedback round.</summary>
    public int Round { get; init; }

    /// <summary>Whether the policy that judges looked at what belongs to the candidate.</summary>
    internal bool LooksAtCandidate { get; set; }

    /// <summary>Values of your own.</summary>
    public IReadOnlyDictionary<string, TaskData> Properties { get; init => field = Snapshot.Of(value); } = Snapshot.NoMap<TaskData>();

    /// <summary>Whether another context is of the same kind and says the same. What a policy has looked at makes no difference.</summary>
    /// <param name="other">The other.</param>
    public virtual bool Equals(PolicyContext? other) =>
        other is not null && EqualityContract == other.EqualityContract && WorkflowId == other.WorkflowId && Round == other.Round
            && object.Equals(Properties, other.Properties);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(EqualityContract, WorkflowId, Round, Properties);
}
