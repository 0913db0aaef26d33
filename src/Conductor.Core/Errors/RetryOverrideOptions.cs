namespace Conductor.Errors;

/// <summary>Retry settings of one agent type, as options; what is null is taken from the general settings.</summary>
public sealed class RetryOverrideOptions
{
    /// <summary>How often a failed attempt is tried again: 0 to 20.</summary>
    /// <value>Default: null.</value>
    public int? MaxRetries { get; set; }

    /// <summary>The delay before the first retry: zero or more.</summary>
    /// <value>Default: null.</value>
    public TimeSpan? InitialDelay { get; set; }

    /// <summary>The longest delay, jitter included.</summary>
    /// <value>Default: null.</value>
    public TimeSpan? MaxDelay { get; set; }

    /// <summary>What each delay is multiplied by to give the next: 1 or more.</summary>
    /// <value>Default: null.</value>
    public double? BackoffMultiplier { get; set; }

    /// <summary>The largest share of a delay that is added at random: 0 to 1.</summary>
    /// <value>Default: null.</value>
    public double? JitterFactor { get; set; }

    /// <summary>The error codes that are retried, instead of the general ones.</summary>
    /// <value>Default: null.</value>
    public IList<string>? RetryableErrors { get; set; }

    internal RetrySettings ToSettings() => new()
    {
        MaxRetries = MaxRetries,
        InitialDelay = InitialDelay,
        MaxDelay = MaxDelay,
        BackoffMultiplier = BackoffMultiplier,
        JitterFactor = JitterFactor,
        RetryableErrors = RetryableErrors is null ? null : [.. RetryableErrors],
    };
}
