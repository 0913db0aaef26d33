using System.Collections.Concurrent;
using Conductor.Messaging;

namespace Conductor.Testing;

/// <content>Channels that are nearly alike, and many messages at once.</content>
public sealed partial class MessageBusConformance
{
    private void AddChannelCases()
    {
        Add("Channels whose names differ in case, or of which one begins with another, do not meet", NearlyAlikeAsync);
        Add("A subscription that has room misses nothing of a burst, whatever was published before", BurstsAsync);
    }

    private static async Task NearlyAlikeAsync(MessageBus bus)
    {
        // (The last ones would be patterns to a bus that takes a name for one.)
        string[] channels = ["conductor:agent:a", "conductor:agent:A", "conductor:agent:a1", "conductor:agent:a:1", "conductor:agent", "conductor:*", "*"];
        var received = new Dictionary<string, ConcurrentQueue<string>>(StringComparer.Ordinal);
        foreach (var channel in channels)
        {
            received[channel] = await ListenAsync(bus, channel).ConfigureAwait(false);
        }

        foreach (var channel in channels)
        {
            await bus.PublishAsync(channel, Message(channel)).ConfigureAwait(false);
        }

        foreach (var channel in channels)
        {
            await ReceiveAsync(bus, channel, 1, received[channel]).ConfigureAwait(false);
            Check.Sequence([channel], MessagesOf(received[channel]), $"messages that came to a subscription of '{channel}'");
        }
    }

    private static async Task BurstsAsync(MessageBus bus)
    {
        const int Publishers = 3;
        const int Messages = 1000;
        var received = new ConcurrentQueue<string>();
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await bus.SubscribeAsync(
            "c",
            async (message, _) =>
            {
                received.Enqueue(message.Id);
                await release.Task.ConfigureAwait(false);
            },
            new SubscriptionOptions { Capacity = 2 * Publishers * Messages }).ConfigureAwait(false);
        for (var burst = 0; burst < 2; burst++)
        {
            await Check.RaceAsync(Publishers, async publisher =>
            {
                for (var i = 0; i < Messages; i++)
                {
                    await bus.PublishAsync("c", Message($"{burst}-{publisher}-{i}")).ConfigureAwait(false);
                }

                return 0;
            }).ConfigureAwait(false);
            release.TrySetResult();
            await ReceiveAsync(bus, "c", (burst + 1) * Publishers * Messages, received).ConfigureAwait(false);
        }
    }
}
