using System.Collections.Concurrent;
using Conductor.Messaging;

namespace Conductor.Testing;

/// <summary>
/// What every <see cref="MessageBus"/> has to keep: at most once to current subscribers, order from one publisher to one subscription,
/// independent handlers, bounded buffers, requests that are answered only by their response, and an end at disconnect that leaves nothing
/// behind.
/// </summary>
public sealed partial class MessageBusConformance : ConformanceSuite
{
    private const string MarkerPrefix = "marker ";

    // Whatever was published before a message that came has come, too, or is very late.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly Func<ConformanceEnvironment, ValueTask<MessageBus>> _create;

    /// <summary>Makes the suite.</summary>
    /// <param name="create">
    /// Makes a fresh bus, not connected, on the clock it is given; whatever it shares with others (a server) must be its own, such as by a
    /// prefix. The suite connects and disposes it.
    /// </param>
    public MessageBusConformance(Func<ConformanceEnvironment, ValueTask<MessageBus>> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        _create = create;
        AddLifecycleCases();
        AddDeliveryCases();
        AddChannelCases();
        AddHandlerCases();
        AddBufferCases();
        AddRequestCases();
        AddRequestEndCases();
    }

    /// <summary>A case on a connected bus.</summary>
    private void Add(string name, Func<MessageBus, ConformanceEnvironment, Task> run) => Add(name, async () =>
    {
        var environment = new ConformanceEnvironment();
        var bus = await _create(environment).ConfigureAwait(false);
        await using var disposal = bus.ConfigureAwait(false);
        await bus.ConnectAsync().ConfigureAwait(false);
        await UntilGivenUpAsync(run(bus, environment)).ConfigureAwait(false);
    });

    private void Add(string name, Func<MessageBus, Task> run) => Add(name, (bus, _) => run(bus));

    private static AgentMessage Message(string id, string sender = "conformance") => new() { Id = id, Type = MessageType.Control, Sender = sender };

    /// <summary>Subscribes a queue that remembers the ids of what came.</summary>
    private static async Task<ConcurrentQueue<string>> ListenAsync(MessageBus bus, string channel)
    {
        var received = new ConcurrentQueue<string>();
        await bus.SubscribeAsync(channel, (message, _) =>
        {
            received.Enqueue(message.Id);
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        return received;
    }

    /// <summary>Subscribes a handler that answers every request.</summary>
    private static async Task AnswerAsync(MessageBus bus, string channel, Func<AgentMessage, AgentMessage>? answer = null) =>
        await bus.SubscribeAsync(
            channel,
            (request, token) => bus.RespondAsync(request, (answer ?? Answer)(request), token)).ConfigureAwait(false);

    private static AgentMessage Answer(AgentMessage request) => request.CreateResponse(MessageType.Control, "responder");

    /// <summary>The messages among what came, without those by which a case knows that there is no more.</summary>
    private static IEnumerable<string> MessagesOf(IEnumerable<string> received) =>
        received.Where(static id => !id.StartsWith(MarkerPrefix, StringComparison.Ordinal));

    /// <summary>Publishes a last message, waits until it came, and sees how many did before: neither fewer nor more.</summary>
    private static async Task ReceiveAsync(MessageBus bus, string channel, int expected, params ConcurrentQueue<string>[] subscriptions)
    {
        var marker = NewMarker();
        await bus.PublishAsync(channel, Message(marker)).ConfigureAwait(false);
        foreach (var received in subscriptions)
        {
            await UntilAsync(() => received.Contains(marker)).ConfigureAwait(false);
            var cameAt = TimeProvider.System.GetTimestamp();
            await UntilAsync(() => MessagesOf(received).Count() >= expected || TimeProvider.System.GetElapsedTime(cameAt) > _patience)
                .ConfigureAwait(false);
            Check.Equal(expected, MessagesOf(received).Count(), $"messages that came to a subscription of '{channel}'");
        }
    }

    private static string NewMarker() => MarkerPrefix + EntityId.New();

    /// <summary>Sends a message around and waits until it came: what was published before it has come as well, as far as it will.</summary>
    private static async Task FlushAsync(MessageBus bus, string channel)
    {
        var marker = NewMarker();
        var came = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var subscription = await bus.SubscribeAsync(channel, (message, _) =>
        {
            if (message.Id == marker)
            {
                came.TrySetResult();
            }

            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        await using var disposal = subscription.ConfigureAwait(false);
        await bus.PublishAsync(channel, Message(marker)).ConfigureAwait(false);
        await came.Task.ConfigureAwait(false);
    }
}
