using Conductor.Threading;

namespace Conductor.Messaging;

/// <summary>Settings of a message bus.</summary>
public sealed class MessageBusOptions
{
    /// <summary>The default of <see cref="SubscriptionCapacity"/>: 10,000.</summary>
    public const int DefaultSubscriptionCapacity = 10_000;

    /// <summary>The default of <see cref="RequestTimeout"/>: 30 seconds.</summary>
    public static readonly TimeSpan DefaultRequestTimeout = TimeSpan.FromSeconds(30);

    /// <summary>How long a request waits for its answer when it names no time itself. Over zero.</summary>
    /// <value>Default: 30 seconds.</value>
    public TimeSpan RequestTimeout { get; set; } = DefaultRequestTimeout;

    /// <summary>How many messages may wait in one subscription. At least 1.</summary>
    /// <value>Default: 10,000.</value>
    public int SubscriptionCapacity { get; set; } = DefaultSubscriptionCapacity;

    /// <summary>What is wrong with the settings, a sentence each that quotes the setting, the value and the fix.</summary>
    /// <param name="path">Where the settings stand, to quote them by.</param>
    public IEnumerable<string> Problems(string path)
    {
        foreach (var problem in TimerRange.Problems($"{path}.{nameof(RequestTimeout)}", RequestTimeout))
        {
            yield return problem;
        }

        if (SubscriptionCapacity < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(SubscriptionCapacity)} is {SubscriptionCapacity}; set it to 1 or more.");
        }
    }
}
