using Conductor.Threading;

namespace Conductor.Coordination;

/// <content>Looking again at an interval, for policies whose capacity nothing here can see.</content>
internal sealed partial class CapacityGate
{
    /// <summary>
    /// How many are judged again at an interval, beside the first of each kind. As one costs some microseconds, these cost little, whatever the
    /// interval.
    /// </summary>
    private const int MostLooks = 256;

    /// <summary>Those whose policies may look at more than counts, the one that was judged longest ago first.</summary>
    private readonly LinkedList<CapacityWaiter> _round = [];
    private ITimer? _timer;
    private bool _isTimerSet;

    /// <summary>
    /// An interval is over. The first of each kind is judged again, and so, as long as one is allowed, is the next. As a policy may deny one and
    /// allow another of the same kind, others are judged as well, in turn: all where they are not more than <see cref="MostLooks"/>. Where it looks
    /// at counts alone, the first stands for all.
    /// </summary>
    private void LookAround()
    {
        List<CapacityWaiter> woken = [];
        lock (_gate)
        {
            foreach (var kind in _kinds.Values.ToList())
            {
                if (kind.First is { } first && IsDue(first))
                {
                    SendScout(first);
                    woken.Add(first);
                }
            }

            for (var looks = 0; looks < MostLooks && _round.First?.Value is { } longest && IsDue(longest); looks++)
            {
                Remove(longest);
                woken.Add(longest);
            }

            _isTimerSet = false;
            SetTimer();
        }

        woken.ForEach(static waiter => waiter.Wake());
    }

    /// <summary>One that was judged at the last interval waits a little less than one since; one that has just been judged has time until the next.</summary>
    private bool IsDue(CapacityWaiter waiter) => time.GetElapsedTime(waiter.Since) >= options.PolicyRecheckInterval / 2;

    private void SendScout(CapacityWaiter? waiter)
    {
        if (waiter is not null)
        {
            waiter.IsScout = true;
            Remove(waiter);
        }
    }

    private void SetTimer()
    {
        if (_count > 0 && !_isTimerSet)
        {
            _isTimerSet = true;
            _timer ??= LastingTimer.Make(time, static gate => ((CapacityGate)gate!).LookAround(), this);
            _timer.Change(options.PolicyRecheckInterval, Timeout.InfiniteTimeSpan);
        }
    }
}
