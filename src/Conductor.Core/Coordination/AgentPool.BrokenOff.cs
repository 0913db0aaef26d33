using Conductor.Threading;

namespace Conductor.Coordination;

/// <content>Agents whose circuit breaker lets nothing through: they stand apart until its recovery time has passed. Under the pool's lock.</content>
internal sealed partial class AgentPool
{
    private static readonly TimeSpan _trialRecheck = TimeSpan.FromSeconds(1);

    private readonly HashSet<AgentSlot> _brokenOff = [];
    private ITimer? _recovery;

    /// <summary>
    /// Whether every agent is broken off, and none is about to take the place of one. (One that stands apart while somebody else has its trial may be back
    /// soon, and is waited for.)
    /// </summary>
    private bool IsAllBrokenOff => _agentCount > 0 && _brokenOff.Count == _agentCount && _brokenOff.All(static slot => slot.IsBroken);

    /// <summary>An agent's breaker changed: it may be fit again, or fit no more though it did nothing (its breaker can be told of failures by hand).</summary>
    public void OnBreakerChanged(AgentSlot slot)
    {
        var hasCome = false;
        lock (_gate)
        {
            if (_brokenOff.Contains(slot) && !slot.IsBroken)
            {
                _brokenOff.Remove(slot);
                Offer(slot);
                hasCome = slot.IsIdle;
            }
            else if (slot.IsIdle && slot.IsBroken)
            {
                RemoveIdle(slot);
                BreakOff(slot);
            }
        }

        TellOfCome(hasCome);
    }

    private void BreakOff(AgentSlot slot)
    {
        _brokenOff.Add(slot);
        slot.Status = AgentStatus.Waiting;
        FailHopelessWaiters();
        ScheduleRecovery();
    }

    private void RecoverBrokenOff()
    {
        if (_brokenOff.Count == 0)
        {
            return;
        }

        foreach (var slot in _brokenOff.Where(static slot => !slot.IsBroken).ToList())
        {
            // A clock that moves as it is looked at may have let the timer come by here within this.
            if (_brokenOff.Remove(slot))
            {
                Offer(slot);
            }
        }
    }

    /// <summary>Somebody waits and an agent stands apart: look again when its recovery time has passed.</summary>
    /// <param name="isAwaited">Whether somebody may wait elsewhere, for what all other candidates were denied for.</param>
    private void ScheduleRecovery(bool isAwaited = false)
    {
        if ((_waiters.Count == 0 && !isAwaited) || _brokenOff.Count == 0)
        {
            return;
        }

        var due = _brokenOff.Min(static slot => slot.TimeUntilRecovery);
        _recovery ??= LastingTimer.Make(_time, static state => ((AgentPool)state!).OnRecoveryDue(), this);
        _recovery.Change(due > TimeSpan.Zero ? TimerRange.AtMost(due) : _trialRecheck, Timeout.InfiniteTimeSpan);
    }

    private void OnRecoveryDue()
    {
        lock (_gate)
        {
            RecoverBrokenOff();
            ScheduleRecovery(isAwaited: _limit.Count > 0);
        }

        // Whoever looked meanwhile may have taken them in before, and tells nobody: looks beget looks.
        TellOfCome(hasCome: true);
    }
}
