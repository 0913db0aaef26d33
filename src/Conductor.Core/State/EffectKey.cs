namespace Conductor.State;

/// <summary>
/// Names an effect: the execution it belongs to and a name within it, and says of whoever records it what a store has to know. Two are equal when they name the
/// same effect, whoever records it. Immutable.
/// </summary>
/// <param name="Scope">The run, or outside workflows the idempotency key itself: what retention forgets the effect with.</param>
/// <param name="IdempotencyKey">The execution's idempotency key.</param>
/// <param name="Name">The effect's name within the execution.</param>
public readonly record struct EffectKey(string Scope, string IdempotencyKey, string Name)
{
    /// <summary>
    /// Outside workflows, the task that records it: the effect is forgotten with the recorded result of that task. Default: null, it goes by its age.
    /// </summary>
    public string? TaskId { get; init; }

    /// <summary>
    /// The lease under which it is recorded: once that is lost, nothing is recorded, and LEASE_LOST is thrown. Default: null, it is recorded
    /// whoever asks for it.
    /// </summary>
    public Lease? Lease { get; init; }

    /// <summary>Whether both name the same effect.</summary>
    /// <param name="other">The other one.</param>
    public bool Equals(EffectKey other) =>
        string.Equals(Scope, other.Scope, StringComparison.Ordinal)
        && string.Equals(IdempotencyKey, other.IdempotencyKey, StringComparison.Ordinal)
        && string.Equals(Name, other.Name, StringComparison.Ordinal);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Scope, IdempotencyKey, Name);
}
