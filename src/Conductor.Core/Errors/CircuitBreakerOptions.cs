namespace Conductor.Errors;

/// <summary>Circuit breaker settings, as options.</summary>
public sealed class CircuitBreakerOptions
{
    /// <summary>The default of <see cref="FailureThreshold"/>: 5.</summary>
    public const int DefaultFailureThreshold = 5;

    /// <summary>The default of <see cref="SuccessThreshold"/>: 2.</summary>
    public const int DefaultSuccessThreshold = 2;

    /// <summary>The default of <see cref="HalfOpenTrials"/>: 1.</summary>
    public const int DefaultHalfOpenTrials = 1;

    /// <summary>The default of <see cref="RecoveryTimeout"/>: 60 seconds.</summary>
    public static readonly TimeSpan DefaultRecoveryTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Consecutive failures that open the breaker: at least 1.</summary>
    /// <value>Default: 5.</value>
    public int FailureThreshold { get; set; } = DefaultFailureThreshold;

    /// <summary>Time after the last failure, by a monotonic clock, until trials begin: over zero.</summary>
    /// <value>Default: 60 seconds.</value>
    public TimeSpan RecoveryTimeout { get; set; } = DefaultRecoveryTimeout;

    /// <summary>Successful trials that close the breaker: at least 1.</summary>
    /// <value>Default: 2.</value>
    public int SuccessThreshold { get; set; } = DefaultSuccessThreshold;

    /// <summary>Trials let through at once while half open: at least 1.</summary>
    /// <value>Default: 1.</value>
    public int HalfOpenTrials { get; set; } = DefaultHalfOpenTrials;

    /// <summary>What is wrong with the settings, a sentence each that quotes the setting, the value and the fix.</summary>
    /// <param name="path">Where the settings stand, to quote them by.</param>
    public IEnumerable<string> Problems(string path)
    {
        if (FailureThreshold < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(FailureThreshold)} is {FailureThreshold}; set it to 1 or more.");
        }

        if (RecoveryTimeout <= TimeSpan.Zero)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(RecoveryTimeout)} is {RecoveryTimeout}; set it to more than zero.");
        }

        if (SuccessThreshold < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(SuccessThreshold)} is {SuccessThreshold}; set it to 1 or more.");
        }

        if (HalfOpenTrials < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(HalfOpenTrials)} is {HalfOpenTrials}; set it to 1 or more.");
        }
    }

    /// <summary>These settings with what others say instead.</summary>
    /// <param name="settings">The others; what is null in them stays as it is.</param>
    internal CircuitBreakerOptions With(CircuitBreakerSettings? settings) => settings is null
        ? this
        : new CircuitBreakerOptions
        {
            FailureThreshold = settings.FailureThreshold ?? FailureThreshold,
            RecoveryTimeout = settings.RecoveryTimeout ?? RecoveryTimeout,
            SuccessThreshold = settings.SuccessThreshold ?? SuccessThreshold,
            HalfOpenTrials = settings.HalfOpenTrials ?? HalfOpenTrials,
        };
}
