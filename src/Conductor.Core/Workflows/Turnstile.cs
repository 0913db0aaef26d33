using System.Collections.Concurrent;
using Conductor.Threading;

namespace Conductor.Workflows;

/// <summary>
/// Lets the tasks of all runs through, those of a type in order of arrival: as many at once as the coordinator's queue holds and its agents can run, so
/// that none fails for its size; and one that is suspected of killing its process alone, so that its neighbours are not convicted with it. As many of a
/// type as there are agents of it pass however many others wait: those may wait for just these, as an agent does that awaits another run. Being alone has
/// a limit for the same reason, and because a task may take hours. Thread-safe.
/// </summary>
/// <param name="capacity">How many at once may wait.</param>
/// <param name="agents">How many can run, which changes; asked only where as many are under way as may wait.</param>
/// <param name="agentsOf">How many of a type can run.</param>
/// <param name="patience">How long one waits until it is alone.</param>
/// <param name="time">The clock.</param>
#pragma warning disable CA1001 // A timer that goes off once, and is then disposed.
internal sealed class Turnstile(int capacity, Func<int> agents, Func<AgentType, int> agentsOf, TimeSpan patience, TimeProvider time)
#pragma warning restore CA1001
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<AgentType, Line> _lines = new();

    /// <summary>The lines that somebody waits in.</summary>
    private readonly List<Line> _waiting = [];

    /// <summary>Those that wait to be alone. Whoever came after the first of them waits, too.</summary>
    private readonly LinkedList<Waiter> _waitingAlone = new();
    private long _arrivals;
    private int _running;

    /// <summary>Of the one that is alone now.</summary>
    private Solitude? _solitude;

    /// <summary>Where the tasks of a type pass.</summary>
    public Line LineOf(AgentType type) => _lines.GetOrAdd(type, static (of, all) => new Line(of, all), agentsOf);

    /// <summary>Takes a turn if it need not be waited for. Whoever got one gives it back by <see cref="Leave"/>.</summary>
    public bool TryEnter(Line line)
    {
        lock (_gate)
        {
            if (_solitude is not null || line.Waiting.Count > 0 || _waitingAlone.Count > 0 || !HasRoom(line))
            {
                return false;
            }

            Count(line, solitude: null);
            return true;
        }
    }

    /// <summary>Waits for a turn. Whoever got one gives it back by <see cref="Leave"/>.</summary>
    public ValueTask EnterAsync(Line line, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return TryEnter(line) ? ValueTask.CompletedTask : new ValueTask(WaitAsync(Enqueue(line, solitude: null), cancellationToken));
        }
    }

    /// <summary>Waits for a turn alone. Whoever got one gives it back by <see cref="Leave"/>.</summary>
    /// <param name="line">Where it passes.</param>
    /// <param name="limit">How long the others wait while it is alone.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<Solitude> EnterAloneAsync(Line line, TimeSpan limit, CancellationToken cancellationToken)
    {
        var solitude = new Solitude(this, limit);
        Waiter waiter;
        lock (_gate)
        {
            if (_running == 0 && _waitingAlone.Count == 0)
            {
                Count(line, solitude);
                return solitude;
            }

            waiter = Enqueue(line, solitude);
        }

        await WaitAsync(waiter, cancellationToken).ConfigureAwait(false);
        return solitude;
    }

    /// <summary>Gives a turn back.</summary>
    /// <param name="line">Where it was taken.</param>
    /// <param name="solitude">Of a turn alone; null for another.</param>
    public void Leave(Line line, Solitude? solitude)
    {
        lock (_gate)
        {
            Uncount(line, solitude);
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

    private bool HasRoom(Line line) => _running < capacity || line.Running < line.AgentCount || _running < capacity + agents();

    private Waiter Enqueue(Line line, Solitude? solitude)
    {
        var waiter = new Waiter(line, solitude, _arrivals++);
        if (solitude is null && line.Waiting.Count == 0)
        {
            _waiting.Add(line);
        }

        (solitude is null ? line.Waiting : _waitingAlone).AddLast(waiter.Place);
        return waiter;
    }

    private bool Remove(Waiter waiter)
    {
        if (waiter.Place.List is not { } list)
        {
            return false;
        }

        list.Remove(waiter.Place);
        if (waiter.Solitude is null && list.Count == 0)
        {
            _waiting.Remove(waiter.Line);
        }

        return true;
    }

    private void Count(Line line, Solitude? solitude)
    {
        _running++;
        line.Running++;
        if (solitude is not null)
        {
            _solitude = solitude;
            solitude.Start(time);
        }
    }

    private void Uncount(Line line, Solitude? solitude)
    {
        _running--;
        line.Running--;
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
        while (_solitude is null && FindNext() is { } next)
        {
            Remove(next);
            Count(next.Line, next.Solitude);
            next.Turn.SetResult();
        }
    }

    /// <summary>Of those for whom there is room the one that waits longest.</summary>
    private Waiter? FindNext()
    {
        var alone = _waitingAlone.First?.Value;
        var before = alone?.Arrival ?? long.MaxValue;
        Waiter? next = null;
        foreach (var line in _waiting)
        {
            var first = line.Waiting.First!.Value;
            if (first.Arrival < before && HasRoom(line))
            {
                (next, before) = (first, first.Arrival);
            }
        }

        return next ?? (_running == 0 ? alone : null);
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
                if (Remove(waiter))
                {
                    Count(waiter.Line, waiter.Solitude);
                }
            }
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                // Gone from the queue: the turn came at the same moment, and is given on.
                if (!Remove(waiter))
                {
                    Uncount(waiter.Line, waiter.Solitude);
                }

                LetIn();
            }

            throw;
        }
    }

    /// <summary>Where the tasks of a type pass. What changes is under the lock of the turnstile.</summary>
    public sealed class Line(AgentType type, Func<AgentType, int> agentsOf)
    {
        /// <summary>How many agents of the type there are now.</summary>
        public int AgentCount => agentsOf(type);

        /// <summary>How many have a turn.</summary>
        public int Running { get; set; }

        /// <summary>Those that wait for one.</summary>
        public LinkedList<Waiter> Waiting { get; } = new();
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

    /// <summary>One that waits.</summary>
    public sealed class Waiter
    {
        public Waiter(Line line, Solitude? solitude, long arrival) => (Line, Solitude, Arrival, Place) = (line, solitude, arrival, new(this));

        public Line Line { get; }

        /// <summary>Null unless it waits to be alone.</summary>
        public Solitude? Solitude { get; }

        /// <summary>How many waited before it, ever.</summary>
        public long Arrival { get; }

        public LinkedListNode<Waiter> Place { get; }

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
