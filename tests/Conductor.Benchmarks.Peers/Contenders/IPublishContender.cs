using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Contenders;

/// <summary>Can publish to subscribers that have a queue each.</summary>
internal interface IPublishContender
{
    Task SubscribeAsync(IReadOnlyList<Subscriber> subscribers);

    /// <summary>Publishes the numbers from 0 up to a count. May return before they are received.</summary>
    ValueTask PublishAsync(int count);

    /// <summary>What a publisher allocates by itself for a message.</summary>
    object? CreateMessage(int number);
}
