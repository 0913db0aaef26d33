using Conductor.Agents;
using Conductor.Errors;

namespace Conductor.Coordination;

/// <summary>
/// A coordinator's place for one agent: its mailbox, with its breaker, its counts, and the attempt under way with its time limit. The agent is
/// free again when both the coordinator has dealt with the result and the agent's code has returned. Thread-safe.
/// </summary>
internal sealed partial class AgentSlot : AgentMailbox, IAsyncDisposable
{
    private long _createdTicks;
    private AttemptAnswer? _answer;
    private CircuitBreaker? _breaker;
    private ITimer? _timer;
    private TimeSpan _timeout;
    private TimeSpan _timerDue = TimeSpan.MaxValue;
    private bool _inGrace;
    private bool _endsAtDeadline;
    private bool _codeReturned;
    private int _busyParts;
    private bool _failedByStop;
    private long _completed;
    private long _failed;
    private long _errors;
    private long _lastSeenTicks;
    private TaskCompletionSource? _free;
    private bool _leaving;
    private volatile Task? _retirement;
    private volatile bool _removed;
    private bool _isCountedOut;
    private int _status = (int)AgentStatus.Stopped;

    public AgentSlot(AgentPool pool, BaseAgent agent, Func<BaseAgent>? factory)
        : base(agent, pool.Coordinator.Host)
    {
        _lastSeenTicks = _createdTicks = Time.GetUtcNow().UtcTicks;
        Pool = pool;
        Factory = factory;
    }

    private TimeProvider Time => Host.Environment.TimeProvider;

    public AgentPool Pool { get; }

    /// <summary>Its coordinator. Not held by each: a program may have very many agents.</summary>
    private AgentCoordinator Coordinator => Pool.Coordinator;

    /// <summary>Null until the agent needs one: as good as closed.</summary>
    public CircuitBreaker? Breaker { get => Volatile.Read(ref _breaker); set => Volatile.Write(ref _breaker, value); }

    /// <summary>Whether its breaker lets nothing through.</summary>
    public bool IsBroken => Breaker?.IsOpen() == true;

    /// <summary>The time until its breaker lets something through again.</summary>
    public TimeSpan TimeUntilRecovery => Breaker?.TimeUntilRecovery ?? TimeSpan.Zero;

    /// <summary>Makes the agent anew, when it came from a factory.</summary>
    public Func<BaseAgent>? Factory { get; }

    /// <summary>The permit of a trial under way, while the breaker is half open.</summary>
    public CircuitPermit? Permit { get; set; }

    /// <summary>Its place among the members of its pool, or -1. Under the pool's lock.</summary>
    public int Place { get; set; } = -1;

    /// <summary>Whether it belongs to its pool. Under the pool's lock.</summary>
    public bool IsMember => Place >= 0;

    /// <summary>Whether its pool may give it a task. Under the pool's lock.</summary>
    public bool IsIdle { get; set; }

    /// <summary>1 while the saver has been told of a change. Under the saver's control.</summary>
    public int Dirty;

    public bool IsRemoved => _removed;

    /// <summary>
    /// Whether the attempt under way failed only because the coordinator, or an engine of it, stops. As long as the coordinator has not dealt with
    /// its result.
    /// </summary>
    public bool FailedByStop => Volatile.Read(ref _failedByStop);

    public AgentStatus Status
    {
        get => (AgentStatus)Volatile.Read(ref _status);
        set
        {
            if (Interlocked.Exchange(ref _status, (int)value) != (int)value)
            {
                Coordinator.OnSlotChanged(this);
            }
        }
    }

    public AgentState ToState()
    {
        lock (this)
        {
            // It was seen last when it returned, or when it was given the task that it still runs.
            var now = Time.GetUtcNow();
            var lastSeenAt = Assignment is null || _codeReturned ? new DateTimeOffset(_lastSeenTicks, TimeSpan.Zero) : now - Time.GetElapsedTime(StartedAt);
            return new AgentState
            {
                AgentId = Id,
                AgentType = Identity.Type,
                Status = Status,
                CurrentTaskId = Assignment?.Task.Id,
                CompletedTasks = Volatile.Read(ref _completed),
                FailedTasks = Volatile.Read(ref _failed),
                ErrorCount = Volatile.Read(ref _errors),
                LastHeartbeatAt = lastSeenAt,
                CreatedAt = new DateTimeOffset(_createdTicks, TimeSpan.Zero),
                UpdatedAt = now,
            };
        }
    }

    /// <summary>Takes the counts of the agent whose place this one takes, and with them since when it counts.</summary>
    public void Inherit(AgentSlot predecessor)
    {
        _createdTicks = predecessor._createdTicks;
        _completed = Volatile.Read(ref predecessor._completed);
        _failed = Volatile.Read(ref predecessor._failed);
        _errors = Volatile.Read(ref predecessor._errors);
    }

    /// <summary>The slot is out of its pool: it is not given back to it.</summary>
    /// <returns>True for the first.</returns>
    public bool MarkRemoved()
    {
        _removed = true;
        return !Interlocked.Exchange(ref _isCountedOut, true);
    }

    /// <summary>Over when the agent is stopped, if somebody stops it.</summary>
    public Task Retirement => _retirement ?? Task.CompletedTask;

    /// <summary>Whether its code ignores its cancelled token and has not returned since.</summary>
    public bool IsSetAside => Status == AgentStatus.Failed;

    /// <summary>Whether somebody unregisters it, or has.</summary>
    public bool HasLeft => Volatile.Read(ref _leaving);

    /// <summary>True for the first who unregisters it. Its running task still gets its result.</summary>
    public bool TryLeave() => !Interlocked.Exchange(ref _leaving, true);

    /// <summary>Whether the agent can be stopped now: its code does not run, and nobody has stopped it before.</summary>
    /// <param name="retirement">Over when it is stopped.</param>
    public bool TryRetire(Task retirement)
    {
        // Under the lock: an attempt that ends at this moment either leaves it to this, or learns that the slot is removed.
        lock (this)
        {
            if (_busyParts != 0 || _retirement is not null)
            {
                return false;
            }

            _retirement = retirement;
            return true;
        }
    }

    /// <summary>Waits until the agent is free: as long as the token allows, and after ending its attempt for the grace period.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="gracePeriod">How long it has to return.</param>
    /// <param name="error">What the attempt fails with when it is ended; null where its task is cancelled, as everything is.</param>
    /// <param name="cancellationToken">The patience.</param>
    public async ValueTask WhenFreeAsync(TimeProvider time, TimeSpan gracePeriod, TaskError? error, CancellationToken cancellationToken)
    {
        Task free;
        lock (this)
        {
            if (_busyParts == 0 || IsSetAside)
            {
                // Set aside, it was waited for, and did not return.
                return;
            }

            free = (_free ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        try
        {
            await free.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Abandon(error, isByStop: false, cancellationToken);
            try
            {
                await free.WaitAsync(gracePeriod, time, CancellationToken.None).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // Its code ignores the cancelled token. It is left to itself; when it returns, it is stopped.
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_timer is { } timer)
        {
            await timer.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The coordinator has done its part of the attempt.</summary>
    private void CompletePart()
    {
        bool isFree;
        lock (this)
        {
            isFree = EndPart();
        }

        if (isFree)
        {
            GiveBack();
        }
    }

    /// <summary>One of the two parts of an attempt, its agent's code and the coordinator's, is over. Under the lock of this.</summary>
    /// <returns>Whether the other is, too: then <see cref="GiveBack"/> follows, outside the lock.</returns>
    private bool EndPart()
    {
        if (--_busyParts != 0)
        {
            return false;
        }

        Assignment = null;
        Lease = null;
        AttemptNumber = 0;
        _inGrace = false;
        _free?.TrySetResult();
        return true;
    }
}
