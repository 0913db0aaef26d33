using System.Runtime.InteropServices;

namespace Conductor.Coordination;

/// <summary>
/// What every dispatch of a coordinator counts, from all processors: kept together, because one dispatch changes several of them at a time, and apart
/// from everything else, so that nobody waits for memory that is only read. To be changed by <see cref="Interlocked"/>.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 3 * CacheLine)]
internal sealed class DispatchCounts
{
    /// <summary>What processors hand to each other at a time. As much stays free on both sides, so that no neighbour in memory shares one.</summary>
    private const int CacheLine = 64;

    /// <summary>Dispatches that are not over.</summary>
    [FieldOffset(CacheLine)]
    public int Dispatches;

    /// <summary>Dispatches that wait, for an agent or for capacity.</summary>
    [FieldOffset(CacheLine + 4)]
    public int Waiting;

    /// <summary>Tasks admitted and not finished.</summary>
    [FieldOffset(CacheLine + 8)]
    public int Running;

    /// <summary>1 when a place was reserved in vain while another dispatch may have been denied for it.</summary>
    [FieldOffset(CacheLine + 12)]
    public int Contended;

    /// <summary>Grows whenever capacity may have come free.</summary>
    [FieldOffset(CacheLine + 16)]
    public long Releases;

    /// <summary>How many wait for capacity.</summary>
    [FieldOffset(CacheLine + 24)]
    public int WaitingForCapacity;

    /// <summary>How many are on their way to a place that was promised to them.</summary>
    [FieldOffset(CacheLine + 28)]
    public int Promised;
}
