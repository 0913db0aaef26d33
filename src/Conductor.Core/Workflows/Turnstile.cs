namespace Conductor.Workflows;

/// <summary>
/// Lets the tasks of all runs through in order of arrival: no more at once than the coordinator's queue holds, so that none fails for its size, and
/// one that is suspected of killing its process alone, so that its neighbours are not convicted with it. Being alone has a limit: a task may take
/// hours, or wait for another one that waits for it. Thread-safe.
/// </summary>
/// <param name="capacity">How many at once.</param>
/// <param name="patience">How long one waits until it is alone.</param>
/// <param name="time">The clock.</param>
#pragma warning disable CA1001 // A timer that goes off once, and is then disposed.
internal sealed class Turnstile(int capacity, TimeSpan patience, TimeProvider time)
#pragma warning restore CA1001
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private int _running;

    /// <summary>Of the one that is alone now.</summary>
    private Solitude? _solitude;

    /// <summary>Waits for a turn. Whoever got one gives it back by <see cref="Leave"/>.</summary>
    /// <param name="alone">How long the others wait while it is alone; null for one that need not be.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask EnterAsync(TimeSpan? alone, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_waiting.Count == 0 && TryEnter(alone))
            {
                return ValueTask.CompletedTask;
            }

            var waiter = new Waiter(alone);
            _waiting.AddLast(waiter);
            return new ValueTask(WaitAsync(waiter, cancellationToken));
        }
    }

    public void Leave(bool alone)
    {
        lock (_gate)
        {
            Uncount(alone);
            LetIn();
        }
    }

    private bool TryEnter(TimeSpan? alone)
    {
        if (_solitude is not null || _running >= (alone is null ? capacity : 1))
        {
            return false;
        }

        Count(alone);
        return true;
    }

    private void Count(TimeSpan? alone)
    {
        _running++;
        if (alone is { } limit)
        {
            _solitude?.Dispose();
            _solitude = new Solitude(this, limit, time);
        }
    }

    private void Uncount(bool alone)
    {
        _running--;
        if (alone)
        {
            _solitude?.Dispose();
            _solitude = null;
        }
    }

    private void LetIn()
    {
        while (_waiting.First is { Value: var next } && TryEnter(next.Alone))
        {
            _waiting.RemoveFirst();
            next.Turn.SetResult();
        }
    }

    private void EndSolitude(Solitude solitude)
    {
        lock (_gate)
        {
            if (_solitude == solitude)
            {
                _solitude = null;
                LetIn();
            }
        }

        solitude.Dispose();
    }

    private async Task WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        try
        {
            await waiter.Turn.Task.WaitAsync(waiter.Alone is null ? Timeout.InfiniteTimeSpan : patience, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            lock (_gate)
            {
                // Unless its turn came at the same moment: it is no longer alone, and the next ones are not let in beside it.
                if (_waiting.Remove(waiter))
                {
                    Count(waiter.Alone);
                }
            }
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                // Gone from the queue: the turn came at the same moment, and is given on.
                if (!_waiting.Remove(waiter))
                {
                    Uncount(waiter.Alone is not null);
                }

                LetIn();
            }

            throw;
        }
    }

    private sealed class Waiter(TimeSpan? alone)
    {
        public TimeSpan? Alone => alone;

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>The time that one has alone.</summary>
    private sealed class Solitude : IDisposable
    {
        private readonly Turnstile _turnstile;
        private readonly LongTimer _timer;

        public Solitude(Turnstile turnstile, TimeSpan limit, TimeProvider time)
        {
            _turnstile = turnstile;
            _timer = new LongTimer(time, limit, static state => ((Solitude)state).End(), this);
        }

        public void Dispose() => _timer.Dispose();

        private void End() => _turnstile.EndSolitude(this);
    }
}
