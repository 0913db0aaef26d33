using Conductor.Errors;
using Conductor.Policies;
using Conductor.Threading;

namespace Conductor.Coordination;

/// <summary>
/// The agents of one type and the tasks that wait for one. Taking and returning an idle agent takes the same time however many there are (the one that came
/// first is taken first, so that few tasks keep to few agents). Agents whose circuit breaker is open stand apart until its recovery time has
/// passed. Thread-safe.
/// </summary>
internal sealed partial class AgentPool
{
    private const int MostGaps = 32;

    /// <summary>Whether one that waits may have an agent that is offered.</summary>
    private static readonly Func<AgentWaiter, AgentSlot, bool> _mayHave =
        static (waiter, offered) => !waiter.Ticket.IsRefusedBy(offered) && !offered.Pool.IsAvoided(offered, waiter.Ticket);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly WaitingLimit _limit;
    private readonly bool _waitForUnknown;
    private readonly PolicyEngine _policies;

    /// <summary>In the order in which they came; null where one has gone.</summary>
    private readonly List<AgentSlot?> _places = [];

    /// <summary>The places of those that are idle.</summary>
    private readonly SmallestFirst _idle = new(1);

    /// <summary>
    /// Those whose code ignores that it should end, and that no others replace: they come back when it returns, if it does. Null until there is
    /// one.
    /// </summary>
    private HashSet<AgentSlot>? _setAside;
    private readonly ServingOrder _order;
    private readonly WaitQueue _waiters;
    private int _running;
    private int _isMissed;

    /// <summary>
    /// Those in the pool, and those that others are about to replace: one number, so that whoever looks at it without the lock never misses one
    /// that is just being replaced.
    /// </summary>
    private int _agentCount;
    private int _idleCount;

    public AgentPool(
        AgentCoordinator coordinator,
        AgentType type,
        TimeProvider time,
        DispatchOptions options,
        WaitingLimit limit,
        bool waitForUnknown,
        PolicyEngine policies)
    {
        Coordinator = coordinator;
        Type = type;
        _time = time;
        _limit = limit;
        _waitForUnknown = waitForUnknown;
        _policies = policies;
        _order = new ServingOrder(time, options.AgeingInterval);
        _waiters = new WaitQueue(_order);
    }

    public AgentCoordinator Coordinator { get; }

    public AgentType Type { get; }

    /// <summary>Tasks admitted and not finished.</summary>
    public ref int Running => ref _running;

    /// <summary>Idle agents, as far as can be said without the lock: they come and go.</summary>
    public int IdleCount => _idleCount;

    /// <summary>Agents, with those that others are about to replace. As it is at the moment: they come and go.</summary>
    public int AgentCount => Volatile.Read(ref _agentCount);

    /// <summary>Whether there is no agent, and none is about to take the place of one.</summary>
    public bool IsEmpty => AgentCount == 0;

    /// <summary>True for the first who finds no agent of the type, since there was one.</summary>
    public bool IsFirstToMissAgents() => Interlocked.Exchange(ref _isMissed, 1) == 0;

    private IEnumerable<AgentSlot> Members => _places.OfType<AgentSlot>();

    /// <summary>Those that are idle, in the order in which they are taken.</summary>
    public IReadOnlyList<AgentSlot> IdleSlots()
    {
        lock (_gate)
        {
            RecoverBrokenOff();
            return [.. Members.Where(static slot => slot.IsIdle)];
        }
    }

    /// <summary>Whether an agent other than this one could take a task, now or later.</summary>
    public bool HasOther(AgentSlot slot)
    {
        lock (_gate)
        {
            RecoverBrokenOff();
            return HasOtherFit(slot);
        }
    }

    /// <summary>
    /// Takes an idle agent, or gives a place in the queue for one; neither of them to a dispatch of which a candidate was denied for the time being
    /// when no other is idle: that waits for what was denied, and looks at all of them again.
    /// </summary>
    /// <exception cref="ConductorException">No agent will come: none is known, all are broken off, all refuse, or the queue is full.</exception>
    public AgentSlot? Take(DispatchTicket ticket, bool mayWait, out AgentWaiter? waiter)
    {
        waiter = null;
        lock (_gate)
        {
            if (_brokenOff.Count > 0)
            {
                RecoverBrokenOff();
            }

            ticket.ForgetOldRefusals(_policies.Changes);
            var slot = TakeIdle(ticket);
            if (ticket.Kept is not null)
            {
                LetGoOfKept(ticket);
            }

            if (slot is not null)
            {
                return slot;
            }

            ThrowIfHopeless(ticket);
            if (ticket.Passing is not null)
            {
                NoteWaitsElsewhere(ticket);
                return null;
            }

            if (!mayWait)
            {
                var who = IsEmpty
                    ? $"No agent of type '{Type}' is registered in this process"
                    : $"All {_agentCount} agent(s) of type '{Type}' are busy or being replaced";
                throw new NoAvailableAgentException(Type, $"{who}, and DispatchOptions.WaitLimit of zero forbids waiting for one.");
            }

            if (_limit.IsClosed || ticket.IsToBeGivenBack)
            {
                // Those who waited were told, under this lock: this one would not be.
                throw AgentCoordinator.EndByStop(ticket);
            }

            _limit.Enter(ticket.MayExceedQueue);
            ticket.NoteWaiting();
            waiter = new AgentWaiter(this, ticket);
            _waiters.Add(waiter);
            ScheduleRecovery();
            return null;
        }
    }

    /// <summary>Gives up a place in the queue.</summary>
    /// <returns>False when an agent was given already: it must be returned.</returns>
    public bool Leave(AgentWaiter waiter)
    {
        lock (_gate)
        {
            if (!_waiters.Remove(waiter))
            {
                return false;
            }

            _limit.Leave();
            return true;
        }
    }

    /// <summary>Takes back an agent whose task is over, and hands it on to whoever waits for it.</summary>
    /// <returns>Whether nobody does, and it idles.</returns>
    public bool Return(AgentSlot slot)
    {
        lock (_gate)
        {
            if (slot.IsMember && !slot.IsIdle)
            {
                Offer(slot);
            }

            return slot.IsIdle;
        }
    }

    /// <summary>An agent is set aside until its code returns.</summary>
    public void SetAside(AgentSlot slot)
    {
        lock (_gate)
        {
            // Its code may have returned since.
            if (slot.IsMember && slot.IsSetAside)
            {
                (_setAside ??= []).Add(slot);
                FailHopelessWaiters();
            }
        }
    }

    private AgentSlot? TakeIdle(DispatchTicket ticket)
    {
        AgentSlot? avoided = null;
        for (var place = _idle.Next(0); place >= 0; place = _idle.Next(place + 1))
        {
            var slot = _places[place]!;
            if (ticket.IsRefusedBy(slot) || IsKeptFrom(slot, ticket) || !slot.IsIdle)
            {
                // (One that is idle no more was let go as the clock was read.)
                continue;
            }

            if (ReferenceEquals(slot, ticket.Avoid))
            {
                avoided = slot;
                continue;
            }

            RemoveIdle(slot);
            if (TryEnter(slot, ticket))
            {
                return slot;
            }
        }

        if (avoided is not null && !IsAvoided(avoided, ticket))
        {
            RemoveIdle(avoided);
            return TryEnter(avoided, ticket) ? avoided : null;
        }

        return null;
    }

    /// <summary>Asks the breaker of an agent that is being taken; one that lets nothing through stands apart from now on.</summary>
    private bool TryEnter(AgentSlot slot, DispatchTicket ticket)
    {
        KeepNoMore(slot);
        CircuitPermit? permit = null;
        if (slot.Breaker is not { } breaker || breaker.TryEnter(out permit, ticket.Task.CircuitBreaker))
        {
            slot.Permit = permit;
            return true;
        }

        BreakOff(slot);
        return false;
    }

    /// <summary>Gives a free agent to the first waiter that may have it, or lets it idle.</summary>
    private void Offer(AgentSlot slot)
    {
        _setAside?.Remove(slot);
        if (slot.IsBroken)
        {
            BreakOff(slot);
            return;
        }

        slot.Status = AgentStatus.Idle;
        while (_waiters.Count > 0 && _waiters.FindFirst(_mayHave, slot) is { } waiter && !IsKeptFrom(slot, waiter.Ticket))
        {
            if (!_waiters.Remove(waiter))
            {
                // It has gone as the clock was read.
                continue;
            }

            if (TryEnter(slot, waiter.Ticket))
            {
                _limit.Leave();
                waiter.Give(slot);
            }
            else
            {
                _waiters.Add(waiter);
                FailHopelessWaiters();
                ScheduleRecovery();
            }

            return;
        }

        slot.IsIdle = true;
        _idle.Add(slot.Place);
        _idleCount++;
    }
}
