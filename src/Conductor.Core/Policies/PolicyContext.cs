using System.Collections.Frozen;

namespace Conductor.Policies;

/// <summary>
/// What a policy judges: a snapshot of an action before it is taken. The kinds of this library are <see cref="DispatchPolicyContext"/> and
/// <see cref="GatePolicyContext"/>; derive your own for actions of your own. Immutable.
/// </summary>
public abstract record PolicyContext
{
    private Mark _looksAtCandidate;

    /// <summary>The run it happens in, if any.</summary>
    public string? WorkflowId { get; init; }

    /// <summary>The feedback round.</summary>
    public int Round { get; init; }

    /// <summary>Whether the policy that judges looked at what belongs to the candidate.</summary>
    internal bool LooksAtCandidate { get => _looksAtCandidate.IsSet; set => _looksAtCandidate.IsSet = value; }

    /// <summary>Values of your own.</summary>
    public IReadOnlyDictionary<string, TaskData> Properties { get; init => field = Snapshot.Of(value); } = FrozenDictionary<string, TaskData>.Empty;

    /// <summary>Makes no two contexts different.</summary>
    private struct Mark : IEquatable<Mark>
    {
        public bool IsSet;

        public readonly bool Equals(Mark other) => true;

        public override readonly bool Equals(object? obj) => obj is Mark;

        public override readonly int GetHashCode() => 0;
    }
}
