using System.Runtime.InteropServices;
using Conductor.Threading;

namespace Conductor.Coordination;

/// <summary>
/// What every dispatch of a coordinator counts, from all processors: kept together, because one dispatch changes several of them at a time, and apart
/// from everything else, so that nobody waits for memory that is only read. To be changed by <see cref="Interlocked"/>.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 3 * CacheLine.Size)]
internal sealed class DispatchCounts
{
    /// <summary>Dispatches that are not over.</summary>
    [FieldOffset(CacheLine.Size)]
    public int Dispatches;

    /// <summary>Dispatches that wait, for an agent or for capacity.</summary>
    [FieldOffset(CacheLine.Size + 4)]
    public int Waiting;

    /// <summary>Tasks admitted and not finished.</summary>
    [FieldOffset(CacheLine.Size + 8)]
    public int Running;

    /// <summary>1 when a place was reserved in vain while another dispatch may have been denied for it.</summary>
    [FieldOffset(CacheLine.Size + 12)]
    public int Contended;

    /// <summary>Grows whenever capacity may have come free.</summary>
    [FieldOffset(CacheLine.Size + 16)]
    public long Releases;

    /// <summary>How many wait for capacity.</summary>
    [FieldOffset(CacheLine.Size + 24)]
    public int WaitingForCapacity;

    /// <summary>How many are on their way to a place that was promised to them.</summary>
    [FieldOffset(CacheLine.Size + 28)]
    public int Promised;
}
