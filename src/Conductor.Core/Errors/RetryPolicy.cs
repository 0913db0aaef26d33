namespace Conductor.Errors;

/// <summary>
/// Exponential backoff with jitter: the delay before retry <c>n</c> (from 0) is <c>InitialDelay × BackoffMultiplier^n</c>, plus a random
/// share of it up to <see cref="JitterFactor"/>, at most <see cref="MaxDelay"/>. Immutable and thread-safe.
/// </summary>
public sealed record RetryPolicy
{
    /// <summary>The default of <see cref="MaxRetries"/>: 3.</summary>
    public const int DefaultMaxRetries = 3;

    /// <summary>The largest <see cref="MaxRetries"/>: 20.</summary>
    public const int MaxMaxRetries = 20;

    /// <summary>The default of <see cref="BackoffMultiplier"/>: 2.</summary>
    public const double DefaultBackoffMultiplier = 2.0;

    /// <summary>The default of <see cref="JitterFactor"/>: 0.1.</summary>
    public const double DefaultJitterFactor = 0.1;

    /// <summary>The default of <see cref="InitialDelay"/>: 1 second.</summary>
    public static readonly TimeSpan DefaultInitialDelay = TimeSpan.FromSeconds(1);

    /// <summary>The default of <see cref="MaxDelay"/>: 60 seconds.</summary>
    public static readonly TimeSpan DefaultMaxDelay = TimeSpan.FromSeconds(60);

    /// <summary>The default of <see cref="RetryableErrors"/>: LLM_TIMEOUT, LLM_RATE_LIMIT, TRANSIENT_ERROR, AGENT_TIMEOUT.</summary>
    public static readonly IReadOnlyList<string> DefaultRetryableErrors =
        [ErrorCodes.LlmTimeout, ErrorCodes.LlmRateLimit, ErrorCodes.TransientError, ErrorCodes.AgentTimeout];

    /// <summary>The policy with all defaults.</summary>
    public static RetryPolicy Default { get; } = new();

    /// <summary>How often a failed attempt is tried again: 0 to 20. Default: 3.</summary>
    public int MaxRetries { get; init; } = DefaultMaxRetries;

    /// <summary>The delay before the first retry: zero or more. Default: 1 second.</summary>
    public TimeSpan InitialDelay { get; init; } = DefaultInitialDelay;

    /// <summary>
    /// The longest delay, jitter included: at least <see cref="InitialDelay"/>. Default: 60 seconds. What an error itself asks for
    /// (<see cref="TaskError.RetryAfter"/>) counts where it is longer, however long that is: <see cref="TaskDefinition.Deadline"/> ends it.
    /// </summary>
    public TimeSpan MaxDelay { get; init; } = DefaultMaxDelay;

    /// <summary>What each delay is multiplied by to give the next: 1 or more. Default: 2.</summary>
    public double BackoffMultiplier { get; init; } = DefaultBackoffMultiplier;

    /// <summary>The largest share of a delay that is added at random: 0 to 1. Default: 0.1.</summary>
    public double JitterFactor { get; init; } = DefaultJitterFactor;

    /// <summary>The error codes that are retried.</summary>
    public IReadOnlyList<string> RetryableErrors { get; init => field = Snapshot.Of(value); } = DefaultRetryableErrors;

    /// <summary>The delay before a retry.</summary>
    /// <param name="attempt">Which retry: 0 is the first.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public TimeSpan CalculateDelay(int attempt) => CalculateDelay(attempt, JitterFactor > 0 ? Random.Shared.NextDouble() : 0);

    /// <summary>Whether an error of this code is retried.</summary>
    /// <param name="errorCode">The code.</param>
    public bool IsRetryable(string errorCode) => RetryableErrors.Contains(errorCode, StringComparer.Ordinal);

    /// <summary>Whether an error is retried: its own word, if it has one, beats its code.</summary>
    /// <param name="error">The error.</param>
    public bool IsRetryable(TaskError error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return error.IsTransient ?? IsRetryable(error.Code);
    }

    /// <summary>This policy with what some settings say instead.</summary>
    /// <param name="settings">The settings; what is null in them stays as it is.</param>
    public RetryPolicy With(RetrySettings? settings) => settings is null
        ? this
        : new RetryPolicy
        {
            MaxRetries = settings.MaxRetries ?? MaxRetries,
            InitialDelay = settings.InitialDelay ?? InitialDelay,
            MaxDelay = settings.MaxDelay ?? MaxDelay,
            BackoffMultiplier = settings.BackoffMultiplier ?? BackoffMultiplier,
            JitterFactor = settings.JitterFactor ?? JitterFactor,
            RetryableErrors = settings.RetryableErrors ?? RetryableErrors,
        };

    /// <summary>What is wrong with the settings, a sentence each that quotes the setting, the value and the fix.</summary>
    /// <param name="path">Where the settings stand, to quote them by.</param>
    public IEnumerable<string> Problems(string path)
    {
        if (MaxRetries is < 0 or > MaxMaxRetries)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(MaxRetries)} is {MaxRetries}; set it to 0 to {MaxMaxRetries}.");
        }

        if (InitialDelay < TimeSpan.Zero)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(InitialDelay)} is {InitialDelay}; set it to zero or more.");
        }

        if (MaxDelay < InitialDelay)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(MaxDelay)} is {MaxDelay}; set it to at least {nameof(InitialDelay)} ({InitialDelay}).");
        }

        if (!(BackoffMultiplier >= 1 && double.IsFinite(BackoffMultiplier)))
        {
            yield return FormattableString.Invariant($"{path}.{nameof(BackoffMultiplier)} is {BackoffMultiplier}; set it to 1 or more.");
        }

        if (!(JitterFactor is >= 0 and <= 1))
        {
            yield return FormattableString.Invariant($"{path}.{nameof(JitterFactor)} is {JitterFactor}; set it to 0 to 1.");
        }

        if (RetryableErrors.Any(string.IsNullOrWhiteSpace))
        {
            yield return $"{path} has a blank error code among those that are retried; name one, such as {ErrorCodes.LlmTimeout}, or leave it out.";
        }
    }

    /// <summary>The delay before a retry, for a given roll of the dice.</summary>
    internal TimeSpan CalculateDelay(int attempt, double roll)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(attempt);

        if (InitialDelay == TimeSpan.Zero)
        {
            // Zero times anything; but zero times infinity is no number.
            return TimeSpan.Zero;
        }

        // In floating point, so that no attempt overflows: what is too large is infinite, and capped like the rest.
        var backoff = InitialDelay.Ticks * Math.Pow(BackoffMultiplier, attempt);
        var delay = backoff + (backoff * JitterFactor * roll);
        return delay >= MaxDelay.Ticks || double.IsNaN(delay) ? MaxDelay : TimeSpan.FromTicks((long)delay);
    }
}
