using System.Runtime.CompilerServices;
using Conductor.Policies;
using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>
/// Finds an agent for a dispatch: an idle one of the type that its breaker and the policies allow. What a policy denies for the time being
/// waits; a candidate that is refused does not stop another from being tried; a denial of the task ends the search. Thread-safe.
/// </summary>
internal sealed partial class Admissions
{
    private readonly PolicyEngine _policies;
    private readonly DispatchOptions _options;
    private readonly TimeProvider _time;
    private readonly WaitingLimit _limit;
    private readonly CapacityGate _capacity;
    private readonly EndableWaits _waits;

    public Admissions(PolicyEngine policies, DispatchOptions options, TimeProvider time, ILogger logger)
    {
        _policies = policies;
        _options = options;
        _time = time;
        _limit = new WaitingLimit(options.QueueCapacity, Counts);
        _capacity = new CapacityGate(time, options, _limit, Counts);
        _waits = new EndableWaits(time, _limit, logger);
        policies.Changed += _capacity.ReleaseAll;
    }

    public DispatchCounts Counts { get; } = new();

    public WaitingLimit Limit => _limit;

    /// <summary>Tasks admitted and not finished.</summary>
    public int Running => Volatile.Read(ref Counts.Running);

    /// <summary>
    /// Takes an idle agent of the type that its breaker allows, or waits for one as long as the caller and the limits allow. It is the dispatch's
    /// until <see cref="MayBeginAsync"/> says no.
    /// </summary>
    /// <returns>The agent; to be awaited once.</returns>
    public ValueTask<AgentSlot> TakeAgentAsync(DispatchTicket ticket, AgentPool pool, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfNoLongerWanted(ticket);
        if (_capacity.FindPromiseBefore(ticket) is { } promise)
        {
            return TakeLaterAsync(ticket, pool, promise, cancellationToken);
        }

        var mayWait = WaitLimitOf(ticket, pool) != TimeSpan.Zero;
        if (pool.Take(ticket, mayWait, out var waiter) is { } slot)
        {
            return new ValueTask<AgentSlot>(slot);
        }

        // While it waits for an agent, others may have what it was woken for.
        _capacity.Lend(ticket, pool.IdleCount > 0);
        if (waiter is null)
        {
            return TakeLaterAsync(ticket, pool, ticket.Passing!, cancellationToken);
        }

        // A run's task may be told to look again: its wait limit begins to apply when the last agent goes.
        var patience = Sooner(Patience(ticket, pool), ticket.AvoidTimeLeft(_time));
        return patience is null && !cancellationToken.CanBeCanceled && !ticket.IsFlowControlled
            ? waiter.Agent
            : WaitForAgentAsync(pool, waiter, patience, cancellationToken);
    }

    /// <summary>
    /// Asks the policies about a dispatch and the agent that it took. When they allow it, a place among the running is reserved. When they do not, the
    /// agent is given back; what was denied for the time being has waited until it is worth trying again.
    /// </summary>
    /// <returns>True when it may begin; false when the search for an agent goes on.</returns>
    /// <exception cref="PolicyViolationException">A policy denies the task, whoever does it.</exception>
    [AsyncMethodBuilder(typeof(ReusingMethodBuilder<>))]
    public async ValueTask<bool> MayBeginAsync(DispatchTicket ticket, AgentSlot slot, CancellationToken cancellationToken)
    {
        if (_capacity.FindPromiseBefore(ticket) is { } promise)
        {
            // It was promised since, or while this one waited for its agent.
            TellOfReturn(slot, Return(ticket, slot));
            await WaitForCapacityAsync(ticket, slot.Pool, promise, cancellationToken).ConfigureAwait(false);
            return false;
        }

        var (version, changes) = (_capacity.Version, _policies.Changes);
        PolicyVerdict verdict;
        try
        {
            verdict = await ReserveAndAskAsync(ticket, slot, cancellationToken).ConfigureAwait(false);
            if (verdict.Denial is not { IsTransient: true })
            {
                // Before the store is waited for: the place is reserved, and nobody need give way for it.
                _capacity.Redeem(ticket, isAllowed: verdict.Denial is null);
            }

            await ticket.EnsureOwnedAsync().ConfigureAwait(false);

            // The policies may have taken their time.
            ThrowIfNoLongerWanted(ticket);
            if (verdict.Denial is null && ticket.Beginning is { } beginning)
            {
                await beginning.RecordAsync().ConfigureAwait(false);
                ticket.Beginning = null;

                // The commit may have taken its time, too, and whoever was paused since may have lost the run by now.
                await ticket.EnsureOwnedAsync().ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                ThrowIfNoLongerWanted(ticket);
            }
        }
        catch
        {
            ReleasePlace(ticket, slot);
            throw;
        }

        if (verdict.Denial is not { } denial)
        {
            return true;
        }

        var before = ticket.AdmittedBefore;
        var passing = denial.IsTransient
            ? new PassingDenial(denial, version, before > 0 ? _capacity.Retreats : null, verdict.IsOfCountsAlone, before)
            : null;
        if (passing is null)
        {
            ticket.Refuse(slot, PassingDenial.ToViolation(denial), changes);
        }
        else if (verdict.ConcernsCandidate)
        {
            // Another candidate may be allowed now. Where none is left, taking one waits for this.
            ticket.Refuse(slot, passing, changes);
        }

        if (passing is null && !verdict.ConcernsCandidate)
        {
            // It does not come back for its place, so that what waits cannot be woken by it again and again.
            ReleasePlace(ticket, slot);
            throw PassingDenial.ToViolation(denial);
        }

        UndoReservation(ticket, slot);
        if (passing is null)
        {
            // With the next candidate it takes a place again, at once: whoever was denied for this one is judged when the search is over.
            _capacity.KeepTurn(ticket);
        }
        else if (!verdict.ConcernsCandidate)
        {
            await WaitForCapacityAsync(ticket, slot.Pool, passing, cancellationToken).ConfigureAwait(false);
        }

        return false;
    }

    /// <summary>Has dispatches that wait for capacity, a policy's answer, or their next attempt, look at once whether they are still wanted.</summary>
    public void Wake(Func<DispatchTicket, bool> condition)
    {
        _capacity.Wake(condition);
        _waits.End(condition);
    }

    /// <summary>A dispatch is over, or was never begun.</summary>
    public void PassOnTurn(DispatchTicket ticket)
    {
        _capacity.PassOnTurn(ticket);
        LetGo(ticket);
    }

    /// <summary>Admits nothing more.</summary>
    public void Close()
    {
        _limit.Close();
        _policies.Changed -= _capacity.ReleaseAll;
        _capacity.Close();
    }

    /// <summary>Waits for an agent as long as the caller and the limits allow.</summary>
    [AsyncMethodBuilder(typeof(ReusingMethodBuilder<>))]
    private async ValueTask<AgentSlot> WaitForAgentAsync(AgentPool pool, AgentWaiter waiter, TimeSpan? patience, CancellationToken cancellationToken)
    {
        var watch = cancellationToken.UnsafeRegister(static (state, token) => ((AgentWaiter)state!).Leave(new OperationCanceledException(token)), waiter);
        var timer = patience is { } limit ? new LongTimer(_time, limit, static state => ((AgentWaiter)state).Leave(new TimeoutException()), waiter) : null;
        try
        {
            var slot = await waiter.Agent.ConfigureAwait(false);
            if (!cancellationToken.IsCancellationRequested)
            {
                return slot;
            }

            // An agent was given at the same moment.
            if (Return(slot))
            {
                OnAgentIdle();
            }

            throw new OperationCanceledException(cancellationToken);
        }
        catch (TimeoutException) when (Patience(waiter.Ticket, pool) <= TimeSpan.Zero)
        {
            throw OutOfPatience(waiter.Ticket);
        }
        catch (TimeoutException)
        {
            // Another agent was waited for long enough, or there is none any more that could come.
        }
        finally
        {
            timer?.Dispose();
            await watch.DisposeAsync().ConfigureAwait(false);
        }

        return await TakeAgentAsync(waiter.Ticket, pool, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Reserves a place first and judges by the number before it: so racing dispatches never exceed a limit and never refuse each other both.
    /// </summary>
    private ValueTask<PolicyVerdict> ReserveAndAskAsync(DispatchTicket ticket, AgentSlot slot, CancellationToken cancellationToken)
    {
        var pool = slot.Pool;
        var before = ticket.AdmittedBefore = Interlocked.Increment(ref Counts.Running) - 1;
        var beforeOfType = Interlocked.Increment(ref pool.Running) - 1;
        var context = new DispatchPolicyContext
        {
            Task = ticket.Task,
            WorkflowId = ticket.WorkflowId,
            Round = ticket.Round,
            Attempt = ticket.Attempt,
            Candidate = slot.Agent.Identity,
            CandidateStatus = slot.Status,
            RunningTasks = before,
            RunningTasksOfType = beforeOfType,
            AvailableAgents = pool.IdleCount + 1,
        };
        return _policies.AreAllOurs ? _policies.FindDenialAsync(context, cancellationToken) : AskAsync(ticket, context, cancellationToken);
    }

    /// <summary>
    /// Asks an application's policies, too. They may wait for a person's word: not beyond the deadline, nor when whoever dispatched the task stops.
    /// They go on on the pool as agents do, and not where the caller has to: it may block its thread, that of a user interface.
    /// </summary>
    private async ValueTask<PolicyVerdict> AskAsync(DispatchTicket ticket, DispatchPolicyContext context, CancellationToken cancellationToken)
    {
        // (Until this returns for the first time: an async method gives its caller back what it had.)
        SynchronizationContext.SetSynchronizationContext(null);
        using var wait = _waits.Enter(ticket, ticket.TimeLeft(_time), cancellationToken);
        try
        {
            var answer = _policies.FindDenialAsync(context, wait.Token);
            if (!answer.IsCompleted)
            {
                // However long they take, its place is reserved: nobody need give way for that one any more. (Where they answer at once it keeps its
                // promise until it begins or waits: in between, others would pass it.)
                _capacity.Redeem(ticket, isAllowed: false);
            }

            return await answer.AsTask().WaitAsync(wait.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (wait.Token.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (ticket.TimeLeft(_time) <= TimeSpan.Zero)
            {
                throw new AgentTimeoutException(
                    ticket.Task.Id,
                    $"Task '{ticket.Task.Id}' had no answer of a policy within its total deadline of {ticket.Task.Deadline}. Let the policies " +
                        "answer sooner, or raise TaskDefinition.Deadline.");
            }

            throw AgentCoordinator.EndByStop(ticket);
        }
    }

    /// <summary>Takes an agent when what was denied for the time being may be allowed.</summary>
    private async ValueTask<AgentSlot> TakeLaterAsync(DispatchTicket ticket, AgentPool pool, PassingDenial denial, CancellationToken cancellationToken)
    {
        for (PassingDenial? next = denial; next is not null; next = _capacity.FindPromiseBefore(ticket))
        {
            await WaitForCapacityAsync(ticket, pool, next, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            ThrowIfNoLongerWanted(ticket);
        }

        return await TakeAgentAsync(ticket, pool, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask WaitForCapacityAsync(DispatchTicket ticket, AgentPool pool, PassingDenial denial, CancellationToken cancellationToken)
    {
        LetGo(ticket);
        _capacity.LeavePlace(ticket, denial);
        var patience = Patience(ticket, pool);
        if (patience <= TimeSpan.Zero)
        {
            throw ticket.TimeLeft(_time) <= TimeSpan.Zero ? OutOfPatience(ticket) : denial.Violation;
        }

        ticket.WaitFor(denial);
        await _capacity.WaitAsync(ticket, denial, patience, cancellationToken).ConfigureAwait(false);
    }
}
