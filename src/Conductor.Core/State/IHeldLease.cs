namespace Conductor.State;

/// <summary>A lease as its owner holds it. Thread-safe.</summary>
internal interface IHeldLease
{
    /// <summary>The lease as it was renewed last.</summary>
    Lease Current { get; }

    /// <summary>A store said that it is lost: its owner relies on it no more before it has asked.</summary>
    void Doubt();
}
