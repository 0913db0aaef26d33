using Conductor.Agents;
using Conductor.Diagnostics;
using Conductor.Errors;
using Conductor.Messaging;

namespace Conductor.Coordination;

/// <summary>
/// A coordinator's place for one agent: its mailbox, its breaker, its counts, and the attempt under way with its time limit. The agent is
/// free again when both the coordinator has dealt with the result and the agent's code has returned. Thread-safe.
/// </summary>
internal sealed partial class AgentSlot : IMailboxOwner, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly AgentCoordinator _coordinator;
    private readonly AgentHost _host;
    private readonly TimeSpan _gracePeriod;
    private readonly long _createdTicks;
    private AttemptAnswer? _answer;
    private TaskAssignment? _assignment;
    private long _attempt;
    private ITimer? _timer;
    private TimeSpan _timeout;
    private TimeSpan _timerDue = TimeSpan.MaxValue;
    private bool _inGrace;
    private bool _codeReturned;
    private int _busyParts;
    private long _completed;
    private long _failed;
    private long _errors;
    private long _lastSeenTicks;
    private TaskCompletionSource? _free;
    private int _leaving;
    private int _retired;
    private volatile bool _removed;
    private int _status = (int)AgentStatus.Stopped;

    public AgentSlot(AgentCoordinator coordinator, AgentPool pool, BaseAgent agent, Func<BaseAgent>? factory, AgentHost host, CircuitBreaker breaker, TimeSpan gracePeriod)
    {
        _coordinator = coordinator;
        _host = host;
        _gracePeriod = gracePeriod;
        _lastSeenTicks = _createdTicks = Time.GetUtcNow().UtcTicks;
        Pool = pool;
        Agent = agent;
        Factory = factory;
        Breaker = breaker;
        Identity = agent.Identity;
        Channel = Channels.Agent(Id);
        Mailbox = new AgentMailbox(agent, host, this, _gate);
    }

    private TimeProvider Time => _host.Environment.TimeProvider;

    public AgentPool Pool { get; }

    public BaseAgent Agent { get; }

    public AgentIdentity Identity { get; }

    public string Id => Identity.Id;

    public string Channel { get; }

    public AgentMailbox Mailbox { get; }

    /// <inheritdoc />
    public long AttemptNumber => _attempt;

    /// <inheritdoc />
    public long StartedAt { get; private set; }

    /// <inheritdoc />
    public bool IsLed { get; private set; }

    /// <inheritdoc />
    public TaskAssignment? Assignment => _assignment;

    public CircuitBreaker Breaker { get; }

    /// <summary>Makes the agent anew, when it came from a factory.</summary>
    public Func<BaseAgent>? Factory { get; }

    /// <summary>The permit of a trial under way, while the breaker is half open.</summary>
    public CircuitPermit? Permit { get; set; }

    /// <summary>Its place among the idle agents of its pool, or -1. Under the pool's lock.</summary>
    public int IdleIndex { get; set; } = -1;

    /// <summary>Whether it belongs to its pool. Under the pool's lock.</summary>
    public bool IsMember { get; set; }

    /// <summary>1 while the saver has been told of a change. Under the saver's control.</summary>
    public int Dirty;

    public bool IsRemoved => _removed;

    public AgentStatus Status
    {
        get => (AgentStatus)Volatile.Read(ref _status);
        set
        {
            if (Interlocked.Exchange(ref _status, (int)value) != (int)value)
            {
                _coordinator.OnSlotChanged(this);
            }
        }
    }

    public AgentState ToState()
    {
        lock (_gate)
        {
            // It was seen last when it returned, or when it was given the task that it still runs.
            var now = Time.GetUtcNow();
            var lastSeenAt = _assignment is null || _codeReturned ? new DateTimeOffset(_lastSeenTicks, TimeSpan.Zero) : now - Time.GetElapsedTime(StartedAt);
            return new AgentState
            {
                AgentId = Id,
                AgentType = Identity.Type,
                Status = Status,
                CurrentTaskId = _assignment?.Task.Id,
                CompletedTasks = Volatile.Read(ref _completed),
                FailedTasks = Volatile.Read(ref _failed),
                ErrorCount = Volatile.Read(ref _errors),
                LastHeartbeatAt = lastSeenAt,
                CreatedAt = new DateTimeOffset(_createdTicks, TimeSpan.Zero),
                UpdatedAt = now,
            };
        }
    }

    /// <summary>Takes the counts of the agent whose place this one takes.</summary>
    public void Inherit(AgentSlot predecessor)
    {
        _completed = Volatile.Read(ref predecessor._completed);
        _failed = Volatile.Read(ref predecessor._failed);
        _errors = Volatile.Read(ref predecessor._errors);
    }

    /// <summary>The slot is out of its pool: it is not given back to it.</summary>
    public void MarkRemoved() => _removed = true;

    /// <summary>True for the first who unregisters it. Its running task still gets its result.</summary>
    public bool TryLeave() => Interlocked.Exchange(ref _leaving, 1) == 0;

    /// <summary>Whether the agent can be stopped now: its code does not run, and nobody has stopped it before.</summary>
    public bool TryRetire() => Volatile.Read(ref _busyParts) == 0 && Interlocked.Exchange(ref _retired, 1) == 0;

    /// <summary>Waits until the agent is free: as long as the token allows, and after cancelling its task for the grace period.</summary>
    public async ValueTask WhenFreeAsync(TimeProvider time, TimeSpan gracePeriod, CancellationToken cancellationToken)
    {
        Task free;
        lock (_gate)
        {
            if (Volatile.Read(ref _busyParts) == 0)
            {
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
            Abandon(new CancellationToken(canceled: true));
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

    private void CompletePart()
    {
        if (Interlocked.Decrement(ref _busyParts) != 0)
        {
            return;
        }

        lock (_gate)
        {
            _assignment = null;
            _attempt = 0;
            _inGrace = false;
            _free?.TrySetResult();
        }

        if (_removed)
        {
            _coordinator.OnRemovedAgentReturned(this);
        }
        else
        {
            Pool.Return(this);
        }
    }
}
