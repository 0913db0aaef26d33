using Conductor.Threading;

namespace Conductor.Tests.Support;

/// <summary>Work of a test, which learns whether it is brief.</summary>
internal sealed class LaneItem(Action work, bool isBrief = true) : ILaneItem
{
    private volatile bool _isBrief = isBrief;
    private volatile bool _wasBrief;

    public bool IsBrief => _isBrief;

    /// <summary>Whether it was noted once.</summary>
    public bool WasBrief => _wasBrief;

    public void Run() => work();

    public void Held(TimeSpan time)
    {
        _isBrief = time < Lane.Slice;
        _wasBrief |= _isBrief;
    }
}
