using Conductor.Threading;

namespace Conductor.Workflows;

/// <summary>
/// Lets the tasks of all runs through in order of arrival: as many at once as the coordinator's queue holds and its agents can run, so that none fails
/// for its size; and one that is suspected of killing its process alone, so that its neighbours are not convicted with it. Being alone has a limit: a
/// task may take hours, or wait for another one that waits for it. Thread-safe.
/// </summary>
/// <param name="capacity">How many at once may wait.</param>
/// <param name="agents">How many can run, which changes; asked only where as many are under way as may wait.</param>
/// <param name="patience">How long one waits until it is alone.</param>
/// <param name="time">The clock.</param>
#pragma warning disable CA1001 // A timer that goes off once, and is then disposed.
internal sealed class Turnstile(int capacity, Func<int> agents, TimeSpan patience, TimeProvider time)
#pragma warning restore CA1001
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private int _running;

    /// <summary>Of the one that is alone now.</summary>
    private Solitude? _solitude;

    /// <summary>Takes a turn if it need not be waited for. Whoever got one gives it back by <see cref="Leave"/>.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            return _waiting.Count == 0 && TryEnter(solitude: null);
        }
    }

    /// <summary>Waits for a turn. Whoever got one gives it back by <see cref="Leave"/>.</summary>
    public ValueTask EnterAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return TryEnter() ? ValueTask.CompletedTask : new ValueTask(WaitAsync(Enqueue(solitude: null), cancellationToken));
        }
    }

    /// <summary>Waits for a turn alone. Whoever got one gives it back by <see cref="Leave"/>.</summary>
    /// <param name="limit">How long the others wait while it is alone.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<Solitude> EnterAloneAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var solitude = new Solitude(this, limit);
        Waiter waiter;
        lock (_gate)
        {
            if (_waiting.Count == 0 && TryEnter(solitude))
            {
                return solitude;
            }

            waiter = Enqueue(solitude);
        }

        await WaitAsync(waiter, cancellationToken).ConfigureAwait(false);
        return solitude;
    }

    /// <summary>Gives a turn back.</summary>
    /// <param name="solitude">Of a turn alone; null for another.</param>
    public void Leave(Solitude? solitude)
    {
        lock (_gate)
        {
            Uncount(solitude);
            LetIn();
        }
    }

    /// <summary>There may be more agents than there were.</summary>
    public void LookAgain()
    {
        lock (_gate)
        {
            LetIn();
        }
    }

    private Waiter Enqueue(Solitude? solitude)
    {
        var waiter = new Waiter(solitude);
        _waiting.AddLast(waiter);
        return waiter;
    }

    private bool TryEnter(Solitude? solitude)
    {
        if (_solitude is not null || (solitude is null ? !HasRoom : _running > 0))
        {
            return false;
        }

        Count(solitude);
        return true;
    }

    private bool HasRoom => _running < capacity || _running < capacity + agents();

    private void Count(Solitude? solitude)
    {
        _running++;
        if (solitude is not null)
        {
            _solitude = solitude;
            solitude.Start(time);
        }
    }

    private void Uncount(Solitude? solitude)
    {
        _running--;
        if (solitude is not null)
        {
            End(solitude);
        }
    }

    private void End(Solitude solitude)
    {
        solitude.Dispose();
        if (_solitude == solitude)
        {
            _solitude = null;
        }
    }

    private void LetIn()
    {
        while (_waiting.First is { Value: var next } && TryEnter(next.Solitude))
        {
            _waiting.RemoveFirst();
            next.Turn.SetResult();
        }
    }

    private async Task WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        try
        {
            await waiter.Turn.Task.WaitAsync(waiter.Solitude is null ? Timeout.InfiniteTimeSpan : patience, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            lock (_gate)
            {
                // Unless its turn came at the same moment: it is no longer alone, and the next ones are not let in beside it.
                if (_waiting.Remove(waiter))
                {
                    Count(waiter.Solitude);
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
                    Uncount(waiter.Solitude);
                }

                LetIn();
            }

            throw;
        }
    }

    /// <summary>The time that one has alone.</summary>
    public sealed class Solitude(Turnstile turnstile, TimeSpan limit) : IDisposable
    {
        private LongTimer? _timer;

        /// <summary>It has its turn. Under the lock of the turnstile.</summary>
        public void Start(TimeProvider time) => _timer = new LongTimer(time, limit, static state => ((Solitude)state).End(), this);

        public void Dispose() => _timer?.Dispose();

        private void End()
        {
            lock (turnstile._gate)
            {
                turnstile.End(this);
                turnstile.LetIn();
            }
        }
    }

    private sealed class Waiter(Solitude? solitude)
    {
        public Solitude? Solitude => solitude;

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
