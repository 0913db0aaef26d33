namespace Conductor.Errors;

/// <summary>
/// Leave to run one task past a circuit breaker. Report how it went with <see cref="Succeed"/> or <see cref="Fail"/>, or give it back with
/// <see cref="Dispose"/> when it did not run (a cancellation); only the first of these counts.
/// </summary>
public sealed class CircuitPermit : IDisposable
{
    private readonly CircuitBreaker _breaker;
    private int _used;

    internal CircuitPermit(CircuitBreaker breaker, long trialGeneration)
    {
        _breaker = breaker;
        TrialGeneration = trialGeneration;
    }

    /// <summary>True when the task is a trial of a half-open breaker.</summary>
    public bool IsTrial => TrialGeneration != 0;

    internal long TrialGeneration { get; }

    /// <summary>Tells that the breaker is tried, if nobody was told yet.</summary>
    internal void TellOfTrial() => _breaker.TellOfTrial();

    /// <summary>The task succeeded.</summary>
    /// <param name="settings">Settings of the task to judge it by. Default: the breaker's.</param>
    public void Succeed(CircuitBreakerSettings? settings = null)
    {
        if (Take())
        {
            _breaker.Complete(this, success: true, settings);
        }
    }

    /// <summary>The task failed.</summary>
    /// <param name="settings">Settings of the task to judge it by. Default: the breaker's.</param>
    public void Fail(CircuitBreakerSettings? settings = null)
    {
        if (Take())
        {
            _breaker.Complete(this, success: false, settings);
        }
    }

    /// <summary>Gives the permit back unused.</summary>
    public void Dispose()
    {
        if (Take())
        {
            _breaker.GiveBack(this);
        }
    }

    private bool Take() => Interlocked.Exchange(ref _used, 1) == 0;
}
