namespace Conductor.Coordination;

/// <content>Agents that come, go, and take the place of others.</content>
internal sealed partial class AgentPool
{
    /// <summary>Those that others are about to replace; null until there is one.</summary>
    private HashSet<AgentSlot>? _replaced;

    /// <summary>Those in the pool.</summary>
    private int MemberCount => _agentCount - (_replaced?.Count ?? 0);

    /// <summary>Takes an agent in.</summary>
    /// <param name="slot">The agent.</param>
    /// <param name="predecessor">The one whose place it takes, if any: see <see cref="Replace"/>.</param>
    public void Add(AgentSlot slot, AgentSlot? predecessor = null)
    {
        bool isIdle;
        lock (_gate)
        {
            Volatile.Write(ref _isMissed, 0);
            slot.Place = _places.Count;
            _places.Add(slot);
            if (predecessor is null || _replaced?.Remove(predecessor) != true)
            {
                _agentCount++;
            }

            _idle.Grow(_places.Count);
            Offer(slot);
            isIdle = slot.IsIdle;
        }

        TellOfCome(isIdle);
    }

    /// <summary>
    /// Takes an agent out that another is about to replace: those that wait go on waiting, and those that come wait with them, until the other is
    /// added, or this one removed because none will come.
    /// </summary>
    public void Replace(AgentSlot slot)
    {
        lock (_gate)
        {
            RemoveIdle(slot);
            _brokenOff.Remove(slot);
            _setAside?.Remove(slot);
            if (RemoveMember(slot))
            {
                (_replaced ??= []).Add(slot);
                CloseGaps();
            }
        }
    }

    /// <summary>Takes an agent out, or gives up its replacement.</summary>
    public void Remove(AgentSlot slot)
    {
        bool isLast;
        lock (_gate)
        {
            RemoveIdle(slot);
            _brokenOff.Remove(slot);
            _setAside?.Remove(slot);
            if (RemoveMember(slot) || _replaced?.Remove(slot) == true)
            {
                _agentCount--;
                CloseGaps();
            }

            FailHopelessWaiters();
            isLast = IsEmpty;
            if (isLast)
            {
                HaveRunsLookAgain();
            }
        }

        if (isLast)
        {
            // Outside the lock, like whoever is told of one that comes: those that wait for capacity wait for nothing now.
            Coordinator.OnLastAgentGone(Type);
        }
    }

    private bool RemoveMember(AgentSlot slot)
    {
        if (!slot.IsMember)
        {
            return false;
        }

        KeepNoMore(slot);
        _places[slot.Place] = null;
        slot.Place = -1;
        return true;
    }

    /// <summary>Agents that come and go must leave no more gaps than there are agents.</summary>
    private void CloseGaps()
    {
        if (_places.Count < 2 * (MemberCount + MostGaps))
        {
            return;
        }

        _places.RemoveAll(static slot => slot is null);
        _idle.Clear();
        for (var place = 0; place < _places.Count; place++)
        {
            var slot = _places[place]!;
            slot.Place = place;
            if (slot.IsIdle)
            {
                _idle.Add(place);
            }
        }
    }

    private void RemoveIdle(AgentSlot slot)
    {
        if (slot.IsIdle)
        {
            slot.IsIdle = false;
            _idle.Remove(slot.Place);
            _idleCount--;
        }
    }
}
