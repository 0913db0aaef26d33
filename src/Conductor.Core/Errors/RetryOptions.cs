namespace Conductor.Errors;

/// <summary>Retry settings, as options. They become a <see cref="RetryPolicy"/> at start.</summary>
public sealed class RetryOptions
{
    /// <summary>How often a failed attempt is tried again: 0 to 20.</summary>
    /// <value>Default: 3.</value>
    public int MaxRetries { get; set; } = RetryPolicy.DefaultMaxRetries;

    /// <summary>The delay before the first retry: zero or more.</summary>
    /// <value>Default: 1 second.</value>
    public TimeSpan InitialDelay { get; set; } = RetryPolicy.DefaultInitialDelay;

    /// <summary>The longest delay, jitter included.</summary>
    /// <value>Default: 60 seconds.</value>
    public TimeSpan MaxDelay { get; set; } = RetryPolicy.DefaultMaxDelay;

    /// <summary>What each delay is multiplied by to give the next: 1 or more.</summary>
    /// <value>Default: 2.</value>
    public double BackoffMultiplier { get; set; } = RetryPolicy.DefaultBackoffMultiplier;

    /// <summary>The largest share of a delay that is added at random: 0 to 1.</summary>
    /// <value>Default: 0.1.</value>
    public double JitterFactor { get; set; } = RetryPolicy.DefaultJitterFactor;

    /// <summary>Error codes that are retried beside LLM_TIMEOUT, LLM_RATE_LIMIT, TRANSIENT_ERROR and AGENT_TIMEOUT.</summary>
    /// <value>Default: none.</value>
    public IList<string> AdditionalRetryableErrors { get; } = [];

    /// <summary>The settings as a policy.</summary>
    public RetryPolicy ToPolicy() => new()
    {
        MaxRetries = MaxRetries,
        InitialDelay = InitialDelay,
        MaxDelay = MaxDelay,
        BackoffMultiplier = BackoffMultiplier,
        JitterFactor = JitterFactor,
        RetryableErrors = [.. RetryPolicy.DefaultRetryableErrors, .. AdditionalRetryableErrors],
    };
}
