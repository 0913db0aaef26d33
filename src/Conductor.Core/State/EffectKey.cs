namespace Conductor.State;

/// <summary>Names an effect: the execution it belongs to and a name within it. Immutable.</summary>
/// <param name="Scope">The run, or outside workflows the idempotency key itself: what retention forgets the effect with.</param>
/// <param name="IdempotencyKey">The execution's idempotency key.</param>
/// <param name="Name">The effect's name within the execution.</param>
public readonly record struct EffectKey(string Scope, string IdempotencyKey, string Name);
