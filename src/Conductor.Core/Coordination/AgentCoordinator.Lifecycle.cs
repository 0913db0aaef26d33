using Conductor.Messaging;
using Conductor.Threading;

namespace Conductor.Coordination;

/// <content>Starting, draining and stopping.</content>
public sealed partial class AgentCoordinator
{
    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private readonly StopRequest _stop;
    private readonly CancellationTokenSource _abort = new();
    private readonly CancellationToken _aborted;
    private TaskCompletionSource? _drained;
    private IDisposable? _observation;
    private CancellationTokenRegistration _busDisconnected;
    private int _replays;
    private volatile bool _started;
    private volatile bool _stopped;

    /// <summary>True between <see cref="StartAsync"/> and <see cref="StopAsync"/>.</summary>
    public bool IsStarted => _started && !_stopped;

    /// <summary>True from the begin of <see cref="StopAsync"/> on.</summary>
    internal bool IsStopped => _stopped;

    /// <summary>Starts: connects bus and store if they are not, and listens for results. Starting a started coordinator does nothing.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidOperationException">It was stopped: make a new one.</exception>
    public async ValueTask StartAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfStopped();
            if (_started)
            {
                return;
            }

            await ConnectAsync(cancellationToken).ConfigureAwait(false);
            _busDisconnected = _bus.Disconnected.UnsafeRegister(static state => ((AgentCoordinator)state!).OnBusDisconnected(), this);
            _observation = _environment.Instruments.ObserveDispatchQueue(() => _admissions.Limit.Count);
            _saver.Start();
            _started = true;
            Log.Started(_logger, Id);
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>
    /// Stops: takes no new task, lets running ones finish until the token says otherwise, then cancels them, and stops every agent. Stopping
    /// a stopped coordinator does nothing, and asking again while it stops waits for the same stop (a stop hook that asks does not wait). Bus and
    /// store stay connected: they belong to whoever made them.
    /// </summary>
    /// <param name="cancellationToken">
    /// Ends the waiting for running tasks, whoever's stop waits for them, not the stop. An agent's task that waits for the stop waits for itself,
    /// until then.
    /// </param>
    public async ValueTask StopAsync(CancellationToken cancellationToken = default)
    {
        if (_stop.IsWithin)
        {
            return;
        }

        using var hurry = _stop.Join(cancellationToken);
        await _lifecycle.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            var isRunning = IsStarted;
            _stopped = true;
            _admissions.Close();
            if (isRunning)
            {
                _stop.Enter();
                await StopRunningAsync(_stop.Hurry).ConfigureAwait(false);
            }
            else
            {
                await UnsubscribeAsync(_stop.Hurry).ConfigureAwait(false);
                LetGo();
            }
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    private async ValueTask StopRunningAsync(CancellationToken patience)
    {
        GiveBackWaiting(static _ => true);
        CancelReplacements();

        var abandoned = await DrainAsync(patience).ConfigureAwait(false);
        await Task.WhenAll(
            [.. AgentIds.Select(id => StopAgentAsync(id, patience).AsTask()), WhenReplacementsOverAsync(), WhenUnregisteredAsync()]).ConfigureAwait(false);
        await _saver.StopAsync(patience).ConfigureAwait(false);
        await _busDisconnected.DisposeAsync().ConfigureAwait(false);
        await UnsubscribeAsync(patience).ConfigureAwait(false);
        _observation?.Dispose();
        LetGo();
        Log.Stopped(_logger, Id, abandoned);
    }

    /// <summary>The policies and the error handler may be shared, and live on.</summary>
    private void LetGo()
    {
        _policies.Changed -= OnPoliciesChanged;
        _errors.BreakerChanged -= OnBreakerChanged;
        _errors.FindType -= TypeOf;
    }

    /// <summary>Stops without waiting for running tasks.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        _abort.Dispose();
    }

    internal static NoAvailableAgentException Stopping(TaskDefinition task) =>
        new(task.AgentType, $"Task '{task.Id}' was not begun: the coordinator is stopping. Dispatch it again after the next start.");

    /// <summary>What a dispatch that others are to begin ends with; it is marked as such.</summary>
    internal static NoAvailableAgentException EndByStop(DispatchTicket ticket)
    {
        ticket.IsGivenBack = true;
        return Stopping(ticket.Task);
    }

    /// <summary>Ends the waiting of dispatches that have not begun: whoever dispatched them is stopping.</summary>
    internal void GiveBackWaiting(Func<DispatchTicket, bool> condition)
    {
        foreach (var pool in _pools.All)
        {
            pool.FailWaiting(condition, EndByStop);
        }

        _admissions.Wake(condition);
    }

    /// <summary>Counts a dispatch, so that a stop can wait for it.</summary>
    private DispatchPlace EnterDispatch(DispatchTicket ticket)
    {
        Interlocked.Increment(ref _admissions.Counts.Dispatches);
        var place = new DispatchPlace(this, ticket);
        if (!IsStarted)
        {
            place.Dispose();
            ThrowIfNotStarted();
        }

        return place;
    }

    /// <summary>Counts a replay, so that a stop waits until what came of it is recorded, too.</summary>
    private ReplayPlace EnterReplay()
    {
        Interlocked.Increment(ref _replays);
        Interlocked.Increment(ref _admissions.Counts.Dispatches);
        var place = new ReplayPlace(this);
        if (!IsStarted)
        {
            place.Dispose();
            ThrowIfNotStarted();
        }

        return place;
    }

    private void LeaveReplay()
    {
        Interlocked.Decrement(ref _replays);
        Uncount();
    }

    private void LeaveDispatch(DispatchTicket ticket)
    {
        _admissions.PassOnTurn(ticket);
        Uncount();
    }

    private void Uncount()
    {
        if (Interlocked.Decrement(ref _admissions.Counts.Dispatches) == 0)
        {
            Volatile.Read(ref _drained)?.TrySetResult();
        }
    }

    private async ValueTask<int> DrainAsync(CancellationToken cancellationToken)
    {
        // With a full fence: whoever leaves last either sees it, or is seen to have left.
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _drained, drained);
        if (Volatile.Read(ref _admissions.Counts.Dispatches) == 0)
        {
            return 0;
        }

        try
        {
            await drained.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            return 0;
        }
        catch (OperationCanceledException)
        {
            // A replay dispatches, and is counted itself.
            var abandoned = Volatile.Read(ref _admissions.Counts.Dispatches) - Volatile.Read(ref _replays);
            try
            {
                await _abort.CancelAsync().ConfigureAwait(false);
            }
#pragma warning disable CA1031 // What somebody registered on a token may throw anything; the stop goes on.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.CallbackFailed(_logger, exception);
            }

            foreach (var slot in _slots.Values)
            {
                slot?.AbandonByStop(_aborted);
            }

            return abandoned;
        }
    }

    private async ValueTask StopAgentAsync(string agentId, CancellationToken patience)
    {
        if (FindSlot(agentId) is not { } slot || !slot.TryLeave())
        {
            return;
        }

        slot.Pool.Remove(slot);
        await slot.WhenFreeAsync(_time, _options.CancellationGracePeriod, error: null, new CancellationToken(canceled: true)).ConfigureAwait(false);
        _slots.TryRemove(agentId, out _);
        await _saver.SaveLastAsync(slot, patience).ConfigureAwait(false);
        await RetireAsync(slot, patience).ConfigureAwait(false);
        _errors.RemoveAgent(agentId);
    }

    private void PostToAll(AgentMessage message)
    {
        if (_pools.IsEmpty)
        {
            return;
        }

        foreach (var (_, slot) in _slots)
        {
            slot?.Post(message);
        }
    }

    private void OnBusDisconnected()
    {
        foreach (var slot in _slots.Values)
        {
            slot?.Fail(new TaskError
            {
                Code = ErrorCodes.BusDisconnected,
                Message = "The bus was disconnected while the task was under way; whether it ran is unknown.",
                IsTransient = false,
            });
        }
    }

    private void ThrowIfNotStarted()
    {
        ThrowIfStopped();
        ThrowIfNotYetStarted();
    }

    /// <summary>Refuses what could only fail. (What is given to a stopped coordinator may be another's to do.)</summary>
    internal void ThrowIfNotYetStarted()
    {
        if (!_started && !_stopped)
        {
            throw new InvalidOperationException(
                "The coordinator is not started. Call StartAsync first, or let the host or StartConductorAsync do it. " +
                "(A host starts its services in the order of their registration: register one that dispatches as it starts after AddConductor().)");
        }
    }

    private void ThrowIfStopped()
    {
        if (_stopped)
        {
            ThrowIfClosing();
        }
    }

    /// <summary>Refuses what a stop has made vain, whether it waits for its turn yet or not.</summary>
    private void ThrowIfClosing()
    {
        if (_stop.Asked.IsCancellationRequested)
        {
            throw StopFailures.Mark(new InvalidOperationException("The coordinator was stopped and cannot go on. Make a new one."), Id);
        }
    }

    private readonly struct DispatchPlace(AgentCoordinator owner, DispatchTicket ticket) : IDisposable
    {
        public void Dispose() => owner.LeaveDispatch(ticket);
    }

    private readonly struct ReplayPlace(AgentCoordinator owner) : IDisposable
    {
        public void Dispose() => owner.LeaveReplay();
    }
}
