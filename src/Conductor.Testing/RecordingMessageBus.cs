using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Conductor.Diagnostics;
using Conductor.Messaging;

namespace Conductor.Testing;

/// <summary>
/// A bus that remembers every message published through it, in order. It stands alone, in memory, or in front of another bus; and it can
/// send every message through JSON, as a bus between processes does.
/// </summary>
/// <remarks>
/// Thread-safe. What it remembers grows until <see cref="ClearRecorded"/>: it is made for tests. With JSON, a message that cannot be written
/// or read fails its publisher. An answer to a request that stays within this bus reaches the requester as it was published; subscribers
/// get what came out of JSON. In front of another bus it is that one which measures, each message once: one counts as consumed as this bus takes it, and
/// what waits, or is dropped, in this one's subscriptions is not in the metrics.
/// </remarks>
public sealed class RecordingMessageBus : MessageBus
{
    private readonly MessageBus? _inner;
    private readonly JsonTypeInfo<AgentMessage>? _json;
    private readonly MessageRecord _record = new();
    private readonly ConcurrentDictionary<string, ImmutableArray<MessageSubscription>> _channels = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<MessageSubscription, MessageSubscription> _forwarders = new();

    /// <summary>Makes a bus.</summary>
    /// <param name="environment">Clock, loggers and, without another bus, meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    /// <param name="options">Settings. Default: the defaults.</param>
    /// <param name="inner">The bus that carries the messages; it is connected, disconnected and disposed with this one. Default: one in memory.</param>
    /// <param name="json">Sends every message through JSON by these options, such as <c>ConductorJson.Options</c>. Default: null, it does not.</param>
    public RecordingMessageBus(
        ConductorEnvironment? environment = null, MessageBusOptions? options = null, MessageBus? inner = null, JsonSerializerOptions? json = null)
        : base(inner is null ? environment : SilentMeterFactory.Silence(environment), options)
    {
        _inner = inner;
        _json = (JsonTypeInfo<AgentMessage>?)json?.GetTypeInfo(typeof(AgentMessage));
    }

    /// <summary>Every message published so far, in order: from when another bus, if there is one, is given it, unless that refuses it.</summary>
    public IReadOnlyList<RecordedMessage> Published => _record.Where(static _ => true);

    /// <summary>The messages published to a channel, in order.</summary>
    /// <param name="channel">The channel; see <see cref="Channels"/>.</param>
    public IReadOnlyList<AgentMessage> PublishedTo(string channel) =>
        [.. _record.Where(recorded => string.Equals(recorded.Channel, channel, StringComparison.Ordinal)).Select(static recorded => recorded.Message)];

    /// <summary>The payloads of one kind that were published, in order.</summary>
    /// <typeparam name="TPayload">The kind, such as <see cref="TaskAssignment"/>.</typeparam>
    public IReadOnlyList<TPayload> Payloads<TPayload>()
        where TPayload : MessagePayload => [.. Published.Select(static recorded => recorded.Message.Payload).OfType<TPayload>()];

    /// <summary>The first message that meets a condition: one published already, or the next.</summary>
    /// <param name="condition">The condition. It is asked while a message is published: keep it short.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<RecordedMessage> WaitForAsync(Func<RecordedMessage, bool> condition, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(condition);
        return _record.WaitForAsync(condition, cancellationToken);
    }

    /// <summary>Forgets what was published so far. The numbers go on.</summary>
    public void ClearRecorded() => _record.Clear();

    /// <inheritdoc />
    protected override async ValueTask ConnectCoreAsync(CancellationToken cancellationToken)
    {
        if (_inner is not null)
        {
            await _inner.ConnectAsync(cancellationToken).ConfigureAwait(false);

            // What another process answers arrives on this bus's own channel of replies.
            await _inner.SubscribeAsync(Channels.Reply(BusId), OnReplyAsync, options: null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken)
    {
        _channels.Clear();
        _forwarders.Clear();
        return _inner?.DisconnectAsync(cancellationToken) ?? ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    protected override ValueTask PublishCoreAsync(string channel, AgentMessage message, CancellationToken cancellationToken)
    {
        var sent = _json is null ? message : ThroughJson(message, _json);
        if (_inner is not null)
        {
            return PublishAsync(_inner, channel, sent, cancellationToken);
        }

        _record.Add(channel, sent);
        if (_channels.TryGetValue(channel, out var subscriptions))
        {
            foreach (var subscription in subscriptions)
            {
                subscription.Deliver(sent);
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    protected override async ValueTask SubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        if (_inner is null)
        {
            _channels.AddOrUpdate(subscription.Channel, static (_, added) => [added], static (_, known, added) => known.Add(added), subscription);
            return;
        }

        // Only passes on, so that the subscription's own bounded queue is the one that fills.
        _forwarders[subscription] = await _inner.SubscribeAsync(
            subscription.Channel,
            (message, _) =>
            {
                subscription.Deliver(message);
                return ValueTask.CompletedTask;
            },
            new SubscriptionOptions { Capacity = int.MaxValue },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override ValueTask UnsubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        if (_inner is not null)
        {
            return _forwarders.TryRemove(subscription, out var forwarder) ? forwarder.DisposeAsync() : ValueTask.CompletedTask;
        }

        // A channel without subscriptions stays known, empty: its name is the test's own.
        if (_channels.ContainsKey(subscription.Channel))
        {
            _channels.AddOrUpdate(subscription.Channel, static (_, _) => [], static (_, known, removed) => known.Remove(removed), subscription);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    protected override async ValueTask DisposeCoreAsync()
    {
        if (_inner is not null)
        {
            await _inner.DisposeAsync().ConfigureAwait(false);
        }

        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    private static AgentMessage ThroughJson(AgentMessage message, JsonTypeInfo<AgentMessage> json)
    {
        try
        {
            return JsonSerializer.Deserialize(JsonSerializer.SerializeToUtf8Bytes(message, json), json)!;
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            throw new TaskValidationException(
                $"Message '{message.Id}' of type {message.Type} cannot be sent as JSON: {exception.Message} Give it data that can be written and read.",
                exception);
        }
    }

    /// <summary>What the other bus refuses was not published; what it takes comes before all that its subscribers make of it.</summary>
    private async ValueTask PublishAsync(MessageBus inner, string channel, AgentMessage message, CancellationToken cancellationToken)
    {
        var recorded = _record.Begin(channel, message);
        try
        {
            await inner.PublishAsync(channel, message, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _record.TakeBack(recorded);
            throw;
        }

        _record.Tell(recorded);
    }

    private ValueTask OnReplyAsync(AgentMessage message, CancellationToken cancellationToken)
    {
        TryCompleteRequest(message);
        return ValueTask.CompletedTask;
    }
}
