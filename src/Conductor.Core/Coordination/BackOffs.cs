namespace Conductor.Coordination;

/// <summary>Where dispatches wait for the time of their next attempt: a wait that is ended early where whoever dispatched them stops. Thread-safe.</summary>
internal sealed class BackOffs(TimeProvider time, WaitingLimit limit)
{
    private readonly Lock _gate = new();
    private readonly HashSet<Wait> _waits = [];

    /// <summary>Waits.</summary>
    /// <param name="ticket">The dispatch.</param>
    /// <param name="delay">How long; what has ended early does not say so.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask WaitAsync(DispatchTicket ticket, TimeSpan delay, CancellationToken cancellationToken)
    {
        if (delay <= TimeSpan.Zero)
        {
            return;
        }

        using var wait = new Wait(ticket, cancellationToken);
        lock (_gate)
        {
            _waits.Add(wait);
        }

        try
        {
            if (!limit.IsClosed && !ticket.IsToBeGivenBack)
            {
                await ((Task)Task.Delay(TimerRange.AtMost(delay), time, wait.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            lock (_gate)
            {
                _waits.Remove(wait);
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Ends the waits that meet a condition.</summary>
    public void End(Func<DispatchTicket, bool> condition)
    {
        lock (_gate)
        {
            foreach (var wait in _waits)
            {
                if (condition(wait.Ticket))
                {
                    // What follows is the dispatch, which must not run under the lock.
                    _ = wait.EndAsync();
                }
            }
        }
    }

    private sealed class Wait(DispatchTicket ticket, CancellationToken cancellationToken) : IDisposable
    {
        private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        public DispatchTicket Ticket => ticket;

        public CancellationToken Token => _end.Token;

        public Task EndAsync() => _end.CancelAsync();

        public void Dispose() => _end.Dispose();
    }
}
