using System.Text.Json.Serialization;

namespace Conductor.State;

/// <summary>
/// The right to run something for a while. Its fence grows with each owner and its nonce is random: a store compares both, so that
/// an owner that was paused and wakes up too late can save nothing more. Immutable.
/// </summary>
public sealed record Lease
{
    /// <summary>What is leased.</summary>
    public required string Name { get; init; }

    /// <summary>Who holds it.</summary>
    public required string Owner { get; init; }

    /// <summary>The fencing number; grows each time the lease is taken, by one as long as the name is that of a run which exists.</summary>
    public required long Fence { get; init; }

    /// <summary>Random text of this taking: fences alone can repeat when a store rolls back.</summary>
    public required string Nonce { get; init; }

    /// <summary>How often it was renewed.</summary>
    public long Renewal { get; init; }

    /// <summary>When it runs out, by the store's clock.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>
    /// For how long it was taken, where the store says so: as long it stays with an owner that gives no sign of life. Null where it does not say;
    /// then whoever observes the lease takes it for one of its own term.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? Term { get; init; }

    /// <summary>Whether both are the same taking of the same lease.</summary>
    /// <param name="other">The other one.</param>
    public bool IsSameTaking(Lease? other) =>
        other is not null && Fence == other.Fence && string.Equals(Nonce, other.Nonce, StringComparison.Ordinal)
            && string.Equals(Name, other.Name, StringComparison.Ordinal);
}
