using Conductor.Threading;

namespace Conductor.Errors;

/// <summary>
/// Tracks the health of one agent. CLOSED until a number of consecutive failures opens it; OPEN until the recovery time since the last
/// failure has passed; then HALF_OPEN, letting a limited number of trials through: enough successes close it, any failure opens it again.
/// (The pattern is M. Nygard's, "Release It!", 2007.) Time is monotonic. Thread-safe.
/// </summary>
public sealed class CircuitBreaker
{
    private Lock? _lock;
    private readonly TimeProvider _time;
    private CircuitBreakerOptions _options;
    private volatile CircuitBreakerState _state;
    private TimeSpan _recoveryTimeout;
    private long _lastFailureAt;
    private volatile int _consecutiveFailures;
    private int _consecutiveSuccesses;
    private int _trials;
    private long _generation;

    /// <summary>1 while nobody has been told yet that it went half open.</summary>
    private int _isUntold;

    /// <summary>Makes a closed breaker.</summary>
    /// <param name="agentId">The agent it belongs to.</param>
    /// <param name="failureThreshold">Consecutive failures that open it: at least 1. Default: 5.</param>
    /// <param name="recoveryTimeout">Time after the last failure until trials begin: over zero. Default: 60 seconds.</param>
    /// <param name="successThreshold">Successful trials that close it: at least 1. Default: 2.</param>
    /// <param name="halfOpenTrials">Trials let through at once while half open: at least 1. Default: 1.</param>
    /// <param name="timeProvider">The clock. Default: the system's.</param>
    /// <exception cref="ArgumentException">The id is empty, or a setting is out of range; the message names every one that is.</exception>
    public CircuitBreaker(
        string agentId,
        int failureThreshold = CircuitBreakerOptions.DefaultFailureThreshold,
        TimeSpan? recoveryTimeout = null,
        int successThreshold = CircuitBreakerOptions.DefaultSuccessThreshold,
        int halfOpenTrials = CircuitBreakerOptions.DefaultHalfOpenTrials,
        TimeProvider? timeProvider = null)
        : this(
            agentId,
            new CircuitBreakerOptions
            {
                FailureThreshold = failureThreshold,
                RecoveryTimeout = recoveryTimeout ?? CircuitBreakerOptions.DefaultRecoveryTimeout,
                SuccessThreshold = successThreshold,
                HalfOpenTrials = halfOpenTrials,
            },
            timeProvider ?? TimeProvider.System)
    {
    }

    internal CircuitBreaker(string agentId, CircuitBreakerOptions options, TimeProvider timeProvider)
    {
        ArgumentException.ThrowIfNullOrEmpty(agentId);
        SettingProblems.ThrowIfAny(options.Problems(nameof(CircuitBreaker)), parameterName: null);
        AgentId = agentId;
        _options = options;
        _recoveryTimeout = options.RecoveryTimeout;
        _time = timeProvider;
    }

    /// <summary>The agent it belongs to.</summary>
    public string AgentId { get; }

    /// <summary>The state. Only looks: an open breaker whose recovery time has passed shows as half open.</summary>
    public CircuitBreakerState State
    {
        get
        {
            lock (Gate)
            {
                return CurrentState();
            }
        }
    }

    /// <summary>Its settings: what it learns from now on is judged by them.</summary>
    internal CircuitBreakerOptions Options { set => Volatile.Write(ref _options, value); }

    /// <summary>The state as its changes were told: half open only from its first trial on.</summary>
    internal CircuitBreakerState CountedState => Volatile.Read(ref _isUntold) == 1 ? CircuitBreakerState.Open : _state;

    /// <summary>Failures since the last success that came while it was not open.</summary>
    public int ConsecutiveFailures
    {
        get
        {
            lock (Gate)
            {
                return _consecutiveFailures;
            }
        }
    }

    /// <summary>The time until trials begin; zero unless it is open.</summary>
    public TimeSpan TimeUntilRecovery
    {
        get
        {
            lock (Gate)
            {
                return _state == CircuitBreakerState.Open && LeftOfRecovery() is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;
            }
        }
    }

    private Lock Gate => LazyLock.Of(ref _lock);

    /// <summary>Told of every change of state, after it happened and outside any lock.</summary>
    internal Action<CircuitBreaker, CircuitBreakerState, CircuitBreakerState>? StateChanged { get; set; }

    /// <summary>Whether it lets nothing through. Only looks: false once the recovery time has passed.</summary>
    public bool IsOpen() => _state == CircuitBreakerState.Open && State == CircuitBreakerState.Open;

    /// <summary>Asks for leave to run one task.</summary>
    /// <returns>The permit; null while it is open, or half open with all its trials under way.</returns>
    public CircuitPermit? TryAcquire()
    {
        if (!TryEnter(out var permit))
        {
            return null;
        }

        TellOfTrial();
        return permit ?? new CircuitPermit(this, trialGeneration: 0);
    }

    /// <summary>
    /// Asks for leave to run one task. While closed, no permit needs to be given back. Nobody is told that it goes half open until
    /// <see cref="TellOfTrial"/>, or something is done with the permit: whoever asks may hold a lock.
    /// </summary>
    /// <param name="permit">The permit; null while closed.</param>
    /// <param name="settings">Settings of the task. Default: the breaker's.</param>
    internal bool TryEnter(out CircuitPermit? permit, CircuitBreakerSettings? settings = null)
    {
        permit = null;
        if (_state == CircuitBreakerState.Closed)
        {
            return true;
        }

        lock (Gate)
        {
            if (CurrentState() == CircuitBreakerState.Open)
            {
                return false;
            }

            if (_state == CircuitBreakerState.Open)
            {
                TransitionToHalfOpen();
                _isUntold = 1;
            }

            if (_state == CircuitBreakerState.HalfOpen)
            {
                if (_trials >= (settings?.HalfOpenTrials ?? _options.HalfOpenTrials))
                {
                    return false;
                }

                _trials++;
                permit = new CircuitPermit(this, _generation);
            }
        }

        return true;
    }

    /// <summary>Tells that it went half open, if nobody was told yet.</summary>
    internal void TellOfTrial()
    {
        if (Volatile.Read(ref _isUntold) == 1)
        {
            Change(static () => { });
        }
    }

    /// <summary>Tells nobody any more.</summary>
    /// <returns>The state that was told last, or is just being told. What changes from here on is told to nobody.</returns>
    internal CircuitBreakerState Detach()
    {
        lock (Gate)
        {
            StateChanged = null;
            return CountedState;
        }
    }

    /// <summary>A task succeeded: failures are forgotten, and enough successes close a half-open breaker. Ignored while it is open.</summary>
    public void RecordSuccess() => RecordSuccess(settings: null);

    /// <summary>A task failed: opens the breaker when it was one too many, or at once when it is half open.</summary>
    public void RecordFailure() => RecordFailure(settings: null);

    /// <summary>Closes the breaker and forgets everything.</summary>
    public void Reset() => Change(() =>
    {
        _state = CircuitBreakerState.Closed;
        Forget();
    });

    /// <summary>A task succeeded, judged by settings of its own where it has them.</summary>
    internal void RecordSuccess(CircuitBreakerSettings? settings)
    {
        // The healthy case, once for every task: nothing to forget, nothing to change.
        if (_state != CircuitBreakerState.Closed || _consecutiveFailures != 0)
        {
            CountSuccess(settings);
        }
    }

    internal void RecordFailure(CircuitBreakerSettings? settings) => Change(() => OnFailure(settings));

    internal void Complete(CircuitPermit permit, bool success, CircuitBreakerSettings? settings) => Change(() =>
    {
        ReleaseTrial(permit);
        if (!success)
        {
            OnFailure(settings);
        }
        else if (_state == CircuitBreakerState.Closed || (_state == CircuitBreakerState.HalfOpen && permit.TrialGeneration == _generation))
        {
            // (The success of a task that began before it opened says nothing of the agent as it is now.)
            OnSuccess(settings);
        }
    });

    internal void GiveBack(CircuitPermit permit)
    {
        lock (Gate)
        {
            ReleaseTrial(permit);
        }

        TellOfTrial();
    }

    private CircuitBreakerState CurrentState() =>
        _state == CircuitBreakerState.Open && LeftOfRecovery() <= TimeSpan.Zero ? CircuitBreakerState.HalfOpen : _state;

    /// <summary>Looks at the clock: one look is one answer, and a second one may be later than the recovery.</summary>
    private TimeSpan LeftOfRecovery() => _recoveryTimeout - _time.GetElapsedTime(_lastFailureAt);

    /// <summary>Apart from the healthy case, which is not to pay for the closure.</summary>
    private void CountSuccess(CircuitBreakerSettings? settings) => Change(() => OnSuccess(settings));

    private void OnSuccess(CircuitBreakerSettings? settings)
    {
        if (_state == CircuitBreakerState.Open)
        {
            if (CurrentState() == CircuitBreakerState.Open)
            {
                // Of a task that began before it opened.
                return;
            }

            // Somebody looked, saw it no longer open and ran a task without asking for a permit: that was the first trial.
            TransitionToHalfOpen();
        }

        _consecutiveFailures = 0;
        if (_state == CircuitBreakerState.HalfOpen && ++_consecutiveSuccesses >= (settings?.SuccessThreshold ?? _options.SuccessThreshold))
        {
            _state = CircuitBreakerState.Closed;
            Forget();
        }
    }

    private void OnFailure(CircuitBreakerSettings? settings)
    {
        var settled = _options.With(settings);
        _lastFailureAt = _time.GetTimestamp();
        _consecutiveSuccesses = 0;
        _consecutiveFailures++;
        if (_state != CircuitBreakerState.Closed || _consecutiveFailures >= settled.FailureThreshold)
        {
            _state = CircuitBreakerState.Open;
            _recoveryTimeout = settled.RecoveryTimeout;
        }
    }

    private void TransitionToHalfOpen()
    {
        _state = CircuitBreakerState.HalfOpen;
        _consecutiveSuccesses = 0;
        _trials = 0;
        _generation++;
    }

    /// <summary>A permit of an earlier half-open time no longer holds a place.</summary>
    private void ReleaseTrial(CircuitPermit permit)
    {
        if (permit.IsTrial && permit.TrialGeneration == _generation && _trials > 0)
        {
            _trials--;
        }
    }

    private void Forget()
    {
        _consecutiveFailures = 0;
        _consecutiveSuccesses = 0;
        _trials = 0;
    }

    private void Change(Action change)
    {
        CircuitBreakerState before, after;
        bool isTrialUntold;
        Action<CircuitBreaker, CircuitBreakerState, CircuitBreakerState>? told;
        lock (Gate)
        {
            isTrialUntold = Interlocked.Exchange(ref _isUntold, 0) == 1;
            before = _state;
            change();
            after = _state;

            // Here: looked at later, it may be gone, while who took it has seen the state as it is now.
            told = StateChanged;
        }

        if (isTrialUntold)
        {
            told?.Invoke(this, CircuitBreakerState.Open, CircuitBreakerState.HalfOpen);
        }

        if (before != after)
        {
            told?.Invoke(this, before, after);
        }
    }
}
