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
public abstract class MessageBus : IAsyncDisposable
{
    private readonly MessageBusOptions _options;
    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private readonly PendingRequests _requests = new();
    private readonly Lock _gate = new();
    private readonly HashSet<MessageSubscription> _subscriptions = [];
    private CancellationTokenSource _connection = new();
    private IDisposable? _observation;
    private volatile bool _connected;

    /// <summary>Makes a bus.</summary>
    /// <param name="environment">Clock, loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    /// <param name="options">Settings. Default: the defaults.</param>
    protected MessageBus(ConductorEnvironment? environment = null, MessageBusOptions? options = null)
    {
        Environment = environment ?? ConductorEnvironment.Default;
        _options = options ?? new MessageBusOptions();
        Logger = Environment.LoggerFactory.CreateLogger(GetType().FullName ?? nameof(MessageBus));
        _connection.Cancel();
    }

    /// <summary>True between <see cref="ConnectAsync"/> and <see cref="DisconnectAsync"/>.</summary>
    public bool IsConnected => _connected;

    /// <summary>Requests that wait for their answer.</summary>
    public int PendingRequestCount => _requests.Count;

    /// <summary>Identifies this bus among those that share its channels.</summary>
    protected string BusId { get; } = EntityId.New();

    /// <summary>The logger of the provider.</summary>
    protected internal ILogger Logger { get; }

    /// <summary>Clock, loggers and meters.</summary>
    protected internal ConductorEnvironment Environment { get; }

    /// <summary>Cancelled when the bus is disconnected; a new one after the next connect.</summary>
    internal CancellationToken Disconnected { get; private set; } = new(canceled: true);

    /// <summary>Connects. Connecting a connected bus does nothing.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask ConnectAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_connected)
            {
                return;
            }

            await ConnectCoreAsync(cancellationToken).ConfigureAwait(false);
            _connection.Dispose();
            _connection = new CancellationTokenSource();
            Disconnected = _connection.Token;
            _observation = Environment.Instruments.ObserveBusQueue(CountQueued);
            _connected = true;
            Log.Connected(Logger, GetType().Name);
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>
    /// Disconnects: nothing is delivered any more, every pending request fails with BUS_DISCONNECTED, subscriptions end. Disconnecting a
    /// disconnected bus does nothing. Handlers that run are told by their token and not waited for.
    /// </summary>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask DisconnectAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_connected)
            {
                return;
            }

            _connected = false;
            MessageSubscription[] subscriptions;
            lock (_gate)
            {
                subscriptions = [.. _subscriptions];
                _subscriptions.Clear();
            }

            var dropped = subscriptions.Sum(static subscription => subscription.Close());
            var failed = _requests.FailAll(static request => new BusException(
                ErrorCodes.BusDisconnected,
                $"The bus was disconnected while request '{request.Id}' waited for its answer; its outcome is unknown. Connect and ask again."));
            await _connection.CancelAsync().ConfigureAwait(false);
            _observation?.Dispose();
            await DisconnectCoreAsync(cancellationToken).ConfigureAwait(false);
            Log.Disconnected(Logger, GetType().Name, dropped, failed);
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>Publishes a message to the current subscribers of a channel. It does not wait for their handlers.</summary>
    /// <param name="channel">The channel; see <see cref="Channels"/>.</param>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="BusException">The bus is not connected.</exception>
    public ValueTask PublishAsync(string channel, AgentMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        ArgumentNullException.ThrowIfNull(message);
        ThrowIfDisconnected();
        cancellationToken.ThrowIfCancellationRequested();
        var stamped = message.Timestamp == default ? message with { Timestamp = Environment.TimeProvider.GetUtcNow() } : message;
        Environment.Instruments.SentMessages.Add(1);
        return ConductorTelemetry.IsTracing
            ? PublishTracedAsync(channel, stamped, cancellationToken)
            : SendAsync(channel, stamped, cancellationToken);
    }

    /// <summary>Subscribes to a channel. The subscription is live when this returns.</summary>
    /// <param name="channel">The channel; see <see cref="Channels"/>.</param>
    /// <param name="handler">Handles one message after another; its token is cancelled when the bus is disconnected.</param>
    /// <param name="options">Settings. Default: the bus's.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The subscription; dispose it, or call the other <c>UnsubscribeAsync</c>, to end it.</returns>
    /// <exception cref="BusException">The bus is not connected.</exception>
    public async ValueTask<MessageSubscription> SubscribeAsync(
        string channel,
        Func<AgentMessage, CancellationToken, ValueTask> handler,
        SubscriptionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        ArgumentNullException.ThrowIfNull(handler);
        var capacity = options?.Capacity ?? _options.SubscriptionCapacity;
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1, nameof(options));
        ThrowIfDisconnected();
        var subscription = new MessageSubscription(this, channel, handler, capacity, options?.FullMode ?? QueueFullMode.DropOldest);
        lock (_gate)
        {
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

        // A disconnect that ran in between did not see it, or closed it already.
        if (!_connected)
        {
            await UnsubscribeAsync(subscription, CancellationToken.None).ConfigureAwait(false);
            ThrowIfDisconnected();
        }

        return subscription;
    }

    /// <summary>Ends every subscription of this handler to a channel.</summary>
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
            matches = [.. _subscriptions.Where(subscription => subscription.Channel == channel && subscription.Handler == handler)];
        }

        foreach (var subscription in matches)
        {
            await UnsubscribeAsync(subscription, cancellationToken).ConfigureAwait(false);
        }

        return matches.Length > 0;
    }

    /// <summary>
    /// Publishes a request and waits for the first response to it. A request that timed out has an unknown outcome and is never resent by
    /// itself.
    /// </summary>
    /// <param name="channel">The channel; see <see cref="Channels"/>.</param>
    /// <param name="message">The request.</param>
    /// <param name="timeout">How long to wait. Default: <see cref="MessageBusOptions.RequestTimeout"/> (30 s).</param>
    /// <param name="cancellationToken">Gives up; leaves nothing behind.</param>
    /// <returns>The response.</returns>
    /// <exception cref="BusException">The bus is not connected, was disconnected meanwhile, or no answer came in time.</exception>
    public async ValueTask<AgentMessage> RequestAsync(
        string channel, AgentMessage message, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        ArgumentNullException.ThrowIfNull(message);
        var limit = timeout ?? _options.RequestTimeout;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, nameof(timeout));
        ThrowIfDisconnected();
        cancellationToken.ThrowIfCancellationRequested();
        var request = message with
        {
            Headers = new Dictionary<string, string>(message.Headers, StringComparer.Ordinal) { [MessageHeaders.ReplyTo] = Channels.Reply(BusId) },
        };
        using var pending = _requests.Add(request);
        try
        {
            return await PublishAndWaitAsync(channel, pending, cancellationToken).WaitAsync(limit, Environment.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new BusException(
                ErrorCodes.RequestTimeout,
                $"Request '{request.Id}' on '{channel}' was not answered within {limit.TotalSeconds:0.###} s; its outcome is unknown. " +
                "See that somebody answers on that channel, or allow more time (timeout, or MessageBusOptions.RequestTimeout).");
        }
    }

    /// <summary>Publishes a response where its requester waits for it, whichever bus that is.</summary>
    /// <param name="request">The request as it was received.</param>
    /// <param name="response">What <see cref="AgentMessage.CreateResponse"/> made of it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="BusException">The bus is not connected.</exception>
    public ValueTask RespondAsync(AgentMessage request, AgentMessage response, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(response);
        return request.Headers.TryGetValue(MessageHeaders.ReplyTo, out var channel)
            ? PublishAsync(channel, response, cancellationToken)
            : throw new ArgumentException($"Message '{request.Id}' is no request: nobody waits for an answer to it.", nameof(request));
    }

    /// <summary>Disconnects and frees what the provider holds.</summary>
    public async ValueTask DisposeAsync()
    {
        await DisconnectAsync().ConfigureAwait(false);
        await DisposeCoreAsync().ConfigureAwait(false);
        _connection.Dispose();
        GC.SuppressFinalize(this);
    }

    internal static string TemplateOf(string channel) => Channels.Template(channel);

    internal void Dropped(string channel, AgentMessage message, string reason)
    {
        Environment.Instruments.DroppedMessages.Add(1, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.Reason, reason));
        Log.MessageDropped(Logger, message.Id, TemplateOf(channel), reason);
    }

    internal ValueTask UnsubscribeAsync(MessageSubscription subscription, CancellationToken cancellationToken = default)
    {
        Forget(subscription);
        return UnsubscribeCoreAsync(subscription, cancellationToken);
    }

    /// <summary>Connects the provider.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask ConnectCoreAsync(CancellationToken cancellationToken);

    /// <summary>Disconnects the provider; its subscriptions are closed already.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask DisconnectCoreAsync(CancellationToken cancellationToken);

    /// <summary>Sends a message to every current subscription of a channel.</summary>
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

    /// <summary>
    /// Answers a request of this bus, if the message is a response to one. Publishing does so for what passes through this process; a
    /// provider calls it for what arrives on <c>Channels.Reply(BusId)</c>.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <returns>Whether it answered one.</returns>
    protected bool TryCompleteRequest(AgentMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return _requests.TryComplete(message, Environment.TimeProvider.GetUtcNow());
    }

    private async ValueTask PublishTracedAsync(string channel, AgentMessage message, CancellationToken cancellationToken)
    {
        using var activity = MessageTracing.StartSend(channel, message);
        await SendAsync(channel, MessageTracing.Inject(activity, message), cancellationToken).ConfigureAwait(false);
    }

    private ValueTask SendAsync(string channel, AgentMessage message, CancellationToken cancellationToken)
    {
        if (message.CorrelationId is not null && !_requests.IsEmpty)
        {
            TryCompleteRequest(message);
        }

        return PublishCoreAsync(channel, message, cancellationToken);
    }

    private async Task<AgentMessage> PublishAndWaitAsync(string channel, PendingRequests.Pending pending, CancellationToken cancellationToken)
    {
        await PublishAsync(channel, pending.Request, cancellationToken).ConfigureAwait(false);
        return await pending.Answer.Task.ConfigureAwait(false);
    }

    private void Forget(MessageSubscription subscription)
    {
        subscription.Close();
        lock (_gate)
        {
            _subscriptions.Remove(subscription);
        }
    }

    private long CountQueued()
    {
        lock (_gate)
        {
            return _subscriptions.Sum(static subscription => (long)subscription.QueuedMessages);
        }
    }

    private void ThrowIfDisconnected()
    {
        if (!_connected)
        {
            throw new BusException(
                ErrorCodes.BusNotConnected,
                $"{GetType().Name} is not connected. Call ConnectAsync first, or let the host or StartConductorAsync do it.");
        }
    }
}
