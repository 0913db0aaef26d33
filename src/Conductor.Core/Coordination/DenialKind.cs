using System.Runtime.InteropServices;

namespace Conductor.Coordination;

/// <summary>
/// Those that wait because the same policy denied tasks of the same agent type: when one of them is denied again, so would be the others, in all
/// likelihood. Not thread-safe: the gate holds a lock.
/// </summary>
/// <param name="key">What they have in common.</param>
/// <param name="order">The order in which they are served.</param>
internal sealed class DenialKind(DenialKind.Name key, ServingOrder order)
{
    /// <summary>Where the next look is worth while, whatever came free last.</summary>
    public const long NotJudged = -1;

    private readonly WaitersInOrder _all = new(order);

    /// <summary>Those in whose way reservations were.</summary>
    private readonly WaitersInOrder _contended = new(order);

    public Name Key => key;

    /// <summary>All of them, in no order.</summary>
    public IEnumerable<CapacityWaiter> All => _all.All;

    public bool IsEmpty => _all.Count == 0;

    /// <summary>The newest version of the capacity that one of them was judged with in vain for all.</summary>
    public required long JudgedVersion { get; set; }

    /// <summary>As many retreats there had been when one of them was judged in vain for all.</summary>
    public required long JudgedRetreats { get; set; }

    /// <summary>The one that is served first; null for none.</summary>
    public CapacityWaiter? First => _all.First;

    /// <summary>The first of those in whose way a reservation was that has been given back since; null for none.</summary>
    /// <param name="retreats">How many retreats there have been.</param>
    public CapacityWaiter? FirstAfterRetreat(long retreats) => JudgedRetreats < retreats ? _contended.First : null;

    /// <summary>The first for whom what came free may be enough; null for none.</summary>
    /// <param name="version">The version of the capacity.</param>
    /// <param name="retreats">How many retreats there have been.</param>
    public CapacityWaiter? FirstAfter(long version, long retreats) => JudgedVersion < version ? First : FirstAfterRetreat(retreats);

    public void Add(CapacityWaiter waiter)
    {
        _all.Add(waiter);
        if (waiter.Denial.SeenRetreats is not null)
        {
            _contended.Add(waiter);
        }
    }

    public void Remove(CapacityWaiter waiter)
    {
        _all.Remove(waiter);
        _contended.Remove(waiter);
    }

    /// <summary>
    /// Whether those of another kind would be denied where those of this one are: what looks at nothing but counts says the same of all agent
    /// types.
    /// </summary>
    public bool IsLike(DenialKind other) => other == this || (Key.IsOfCountsAlone && Key with { AgentType = other.Key.AgentType } == other.Key);

    /// <summary>What those of a kind have in common.</summary>
    /// <param name="Policy">The policy that denied them.</param>
    /// <param name="AgentType">Their agent type.</param>
    /// <param name="IsOfCountsAlone">Whether nothing but what the gate is told of changes the verdict, and the first stands for all.</param>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Name(string Policy, AgentType AgentType, bool IsOfCountsAlone)
    {
        public static Name Of(DispatchTicket ticket, PassingDenial denial) => new(denial.Result.PolicyName, ticket.Task.AgentType, denial.IsOfCountsAlone);
    }
}
