using Conductor.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Conductor.Messaging;

/// <summary>
/// Carries messages between coordinator and agents, and between agents. Publish and subscribe are best effort and at most once, to
/// current subscribers: what must not be lost goes through the store. Order is kept from one publisher to one subscription; buffers are
/// bounded; after <see cref="DisconnectAsync"/> nothing is delivered and every pending request has failed.
/// </summary>
/// <remarks>
/// Thread-safe. A provider implements the <c>…CoreAsync</c> methods and calls <see cref="MessageSubscription.Deliver"/> for each message of
/// a channel; checks, spans, metrics, logs and request matching are done here, alike for every provider.
/// </remarks>
public abstract partial class MessageBus : IAsyncDisposable
{
    private readonly MessageBusOptions _options;
    private readonly Lock _gate = new();
    private readonly List<MessageSubscription> _subscriptions = [];

    /// <summary>Makes a bus.</summary>
    /// <param name="environment">Clock, loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    /// <param name="options">Settings. Default: the defaults.</param>
    protected MessageBus(ConductorEnvironment? environment = null, MessageBusOptions? options = null)
    {
        Environment = environment ?? ConductorEnvironment.Default;
        _options = options ?? new MessageBusOptions();
        SettingProblems.ThrowIfAny(_options.Problems(nameof(MessageBusOptions)), nameof(options));
        Logger = Environment.LoggerFactory.CreateLogger(GetType().FullName ?? nameof(MessageBus));
        _connection.Cancel();
    }

    /// <summary>Identifies this bus among those that share its channels.</summary>
    protected string BusId { get; } = EntityId.New();

    /// <summary>The logger of the provider.</summary>
    protected internal ILogger Logger { get; }

    /// <summary>Clock, loggers and meters.</summary>
    protected internal ConductorEnvironment Environment { get; }

    /// <summary>Publishes a message to the current subscribers of a channel. It does not wait for their handlers.</summary>
    /// <param name="channel">The channel; see <see cref="Channels"/>.</param>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="BusException">The bus is not connected.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Its time to live is not over zero: nobody would get it.</exception>
    public ValueTask PublishAsync(string channel, AgentMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        ArgumentNullException.ThrowIfNull(message);
        ThrowIfNeverDelivered(message);
        ThrowIfDisconnected();
        cancellationToken.ThrowIfCancellationRequested();
        var stamped = message.Timestamp == default ? message with { Timestamp = Environment.TimeProvider.GetUtcNow() } : message;
        Environment.Instruments.SentMessages.Record(1);
        return SendAsync(channel, stamped, cancellationToken);
    }

    /// <summary>
    /// Publishes, on the channel of a subscription, what becomes a message only for whoever needs one. It is counted either way, and traced as a
    /// message when it is one.
    /// </summary>
    internal ValueTask PublishAsync(MessageSubscription subscription, IMessageSource source, CancellationToken cancellationToken)
    {
        if (!_requests.IsEmpty)
        {
            return PublishAsync(subscription.Channel, source.ToMessage(), cancellationToken);
        }

        ThrowIfDisconnected();
        cancellationToken.ThrowIfCancellationRequested();
        Environment.Instruments.SentMessages.Record(1);
        return SendSourceAsync(subscription, source, cancellationToken);
    }

    /// <summary>Subscribes to a channel. The subscription is live when this returns.</summary>
    /// <param name="channel">The channel; see <see cref="Channels"/>.</param>
    /// <param name="handler">Handles one message after another; its token is cancelled when the bus is disconnected.</param>
    /// <param name="options">Settings. Default: the bus's.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The subscription; dispose it, or call the other <c>UnsubscribeAsync</c>, to end it.</returns>
    /// <exception cref="BusException">The bus is not connected.</exception>
    /// <exception cref="ArgumentException">The channel is empty, or a setting is out of range.</exception>
    public ValueTask<MessageSubscription> SubscribeAsync(
        string channel,
        Func<AgentMessage, CancellationToken, ValueTask> handler,
        SubscriptionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        ArgumentNullException.ThrowIfNull(handler);
        return SubscribeAsync(channel, new HandlerReceiver(handler), options, cancellationToken);
    }

    /// <summary>The same for a receiver of this library's own.</summary>
    internal async ValueTask<MessageSubscription> SubscribeAsync(
        string channel, IMessageReceiver receiver, SubscriptionOptions? options, CancellationToken cancellationToken)
    {
        var capacity = options?.Capacity ?? _options.SubscriptionCapacity;
        if (capacity < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(options), capacity,
                FormattableString.Invariant($"{nameof(SubscriptionOptions)}.{nameof(SubscriptionOptions.Capacity)} is {capacity}; set it to 1 or more."));
        }

        var connection = Disconnected;
        ThrowIfDisconnected();
        cancellationToken.ThrowIfCancellationRequested();
        var subscription = new MessageSubscription(this, channel, receiver, capacity, options);
        lock (_gate)
        {
            subscription.Index = _subscriptions.Count;
            _subscriptions.Add(subscription);
        }

        try
        {
            await SubscribeCoreAsync(subscription, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Forget(subscription);
            throw;
        }

        // A disconnect that ran in between did not see it, or closed it already; the bus may be connected again since.
        if (!_connected || connection.IsCancellationRequested || subscription.IsClosed)
        {
            await UnsubscribeAsync(subscription, CancellationToken.None).ConfigureAwait(false);
            ThrowIfDisconnected();
            throw new BusException(ErrorCodes.BusDisconnected, $"The bus was disconnected while '{channel}' was subscribed to. Subscribe again.");
        }

        return subscription;
    }

    /// <summary>Ends every subscription of this handler to a channel, also where the provider fails at one of them.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="handler">The handler it was subscribed with.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether there was one.</returns>
    public async ValueTask<bool> UnsubscribeAsync(
        string channel, Func<AgentMessage, CancellationToken, ValueTask> handler, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        ArgumentNullException.ThrowIfNull(handler);
        MessageSubscription[] matches;
        lock (_gate)
        {
            matches = [.. _subscriptions.Where(subscription => subscription.Channel == channel && subscription.IsOf(handler))];
        }

        await Task.WhenAll(matches.Select(EndAsync)).ConfigureAwait(false);
        return matches.Length > 0;

        async Task EndAsync(MessageSubscription subscription) => await UnsubscribeAsync(subscription, cancellationToken).ConfigureAwait(false);
    }

    internal static string TemplateOf(string channel) => Channels.Template(channel);

    internal void Dropped(string channel, AgentMessage message, string reason)
    {
        Environment.Instruments.DroppedMessages.Record(1, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.Reason, reason));
        Log.MessageDropped(Logger, message.Id, TemplateOf(channel), reason);
    }

    internal ValueTask UnsubscribeAsync(MessageSubscription subscription, CancellationToken cancellationToken = default)
    {
        Forget(subscription);
        return UnsubscribeCoreAsync(subscription, cancellationToken);
    }

    /// <summary>
    /// Whether anybody may get a message of a channel. Asked before a notice is made that nobody has to get: where the provider knows that nobody
    /// listens, none is made. Default: true, somebody may.
    /// </summary>
    /// <param name="channel">The channel.</param>
    protected internal virtual bool MayReach(string channel) => true;

    /// <summary>Sends what may become a message to every current subscription of the channel that this one is of. Default: it becomes one.</summary>
    private protected virtual ValueTask SendSourceAsync(MessageSubscription subscription, IMessageSource source, CancellationToken cancellationToken) =>
        SendAsync(subscription.Channel, source.ToMessage(), cancellationToken);

    /// <summary>Connects the provider.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask ConnectCoreAsync(CancellationToken cancellationToken);

    /// <summary>Disconnects the provider; its subscriptions are closed already.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask DisconnectCoreAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Sends a message to every current subscription of a channel. What it throws says that nobody got it: an assignment is dispatched again then, as far as
    /// the error is transient, and a result is published again. One whose payload cannot be written down is a <see cref="TaskValidationException"/>.
    /// </summary>
    /// <param name="channel">The channel.</param>
    /// <param name="message">The message, with its timestamp.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask PublishCoreAsync(string channel, AgentMessage message, CancellationToken cancellationToken);

    /// <summary>Makes a subscription live.</summary>
    /// <param name="subscription">The subscription.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask SubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken);

    /// <summary>Ends a subscription, which is closed already. It may be unknown.</summary>
    /// <param name="subscription">The subscription.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask UnsubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken);

    /// <summary>Frees what the provider holds. Default: nothing.</summary>
    protected virtual ValueTask DisposeCoreAsync() => ValueTask.CompletedTask;

    private ValueTask SendAsync(string channel, AgentMessage message, CancellationToken cancellationToken) => ConductorTelemetry.IsTracing
        ? SendTracedAsync(channel, message, cancellationToken)
        : SendPlainAsync(channel, message, cancellationToken);

    private async ValueTask SendTracedAsync(string channel, AgentMessage message, CancellationToken cancellationToken)
    {
        using var span = MessageTracing.StartSend(Environment, channel, message);
        try
        {
            await SendPlainAsync(channel, MessageTracing.Inject(span.Activity, message), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            span.Activity.Fail(exception.GetType().FullName!, ExceptionText.Of(exception));
            throw;
        }
    }

    private ValueTask SendPlainAsync(string channel, AgentMessage message, CancellationToken cancellationToken)
    {
        if (message.CorrelationId is not null && !_requests.IsEmpty)
        {
            TryCompleteRequest(message);
        }

        return PublishCoreAsync(channel, message, cancellationToken);
    }

    private void Forget(MessageSubscription subscription)
    {
        subscription.Close("unsubscribed");
        lock (_gate)
        {
            // The last takes its place: a hundred thousand agents must be able to leave one after another.
            if (subscription.Index < _subscriptions.Count && ReferenceEquals(_subscriptions[subscription.Index], subscription))
            {
                var last = _subscriptions[^1];
                _subscriptions[subscription.Index] = last;
                last.Index = subscription.Index;
                _subscriptions.RemoveAt(_subscriptions.Count - 1);
            }
        }
    }

    private long CountQueued()
    {
        lock (_gate)
        {
            return _subscriptions.Sum(static subscription => (long)subscription.QueuedMessages);
        }
    }

    private static void ThrowIfNeverDelivered(AgentMessage message)
    {
        if (message.TimeToLive is { } limit && limit <= TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(
                nameof(message),
                limit,
                FormattableString.Invariant($"{nameof(AgentMessage)}.{nameof(AgentMessage.TimeToLive)} is {limit}; set it over zero, ") +
                    "or leave it out for a message that is always delivered.");
        }
    }

    private void ThrowIfDisconnected()
    {
        if (!_connected)
        {
            throw new BusException(
                ErrorCodes.BusNotConnected,
                _disposed ? $"{GetType().Name} was disposed, with the container or the host that it belongs to, and carries nothing any more. " +
                    "Start Conductor anew."
                : _disconnected ? $"{GetType().Name} was disconnected, as Conductor or its host was stopped, and carries nothing any more. Start " +
                    "Conductor anew, or connect it again by ConnectAsync."
                : $"{GetType().Name} is not connected. Call ConnectAsync first, or let the host or StartConductorAsync do it.");
        }
    }
}
