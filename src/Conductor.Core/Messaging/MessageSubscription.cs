namespace Conductor.Messaging;

/// <summary>
/// A live subscription. Its messages wait in a queue of its own and go to the handler one after another, in the order each publisher sent
/// them; a handler that fails or is slow harms nobody else. Dispose it to unsubscribe. Thread-safe.
/// </summary>
public sealed class MessageSubscription : IAsyncDisposable, IThreadPoolWorkItem, IChannelTarget
{
    private readonly MessageBus _bus;
    private readonly int _capacity;
    private readonly QueueFullMode _fullMode;
    private readonly IMessageReceiver _receiver;

    /// <summary>Only where messages ever waited: agents are many.</summary>
    private SubscriptionQueue? _queue;
    private volatile bool _closed;
    private volatile bool _isAlone;

    internal MessageSubscription(
        MessageBus bus, string channel, IMessageReceiver receiver, int capacity, SubscriptionOptions? options)
    {
        _bus = bus;
        _receiver = receiver;
        _capacity = capacity;
        _fullMode = options?.FullMode ?? QueueFullMode.DropOldest;
        SettingProblems.ThrowIfAny(SettingProblems.OfEnum($"{nameof(SubscriptionOptions)}.{nameof(SubscriptionOptions.FullMode)}", _fullMode), nameof(options));
        Channel = channel;
    }

    /// <summary>The channel.</summary>
    public string Channel { get; }

    /// <summary>Messages that wait for the handler.</summary>
    public int QueuedMessages => Volatile.Read(ref _queue)?.Count ?? 0;

    /// <summary>Its place among the subscriptions of the bus. Under the bus's lock.</summary>
    internal int Index { get; set; }

    /// <summary>
    /// True only while it is live and its channel has no other subscription; false says nothing. The provider that knows it says so, under its own lock;
    /// read without.
    /// </summary>
    internal bool IsAlone
    {
        get => _isAlone && !_closed;
        set => _isAlone = value;
    }

    /// <summary>Whether it was unsubscribed, or the bus disconnected since.</summary>
    internal bool IsClosed => _closed;

    /// <summary>Hands a message to the subscription; never waits. What a provider calls for each message of the channel.</summary>
    /// <param name="message">The message.</param>
    public void Deliver(AgentMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.Payload is TaskAssignment)
        {
            Publish(message);
        }
        else
        {
            Queue(message);
        }
    }

    private void Queue(AgentMessage message)
    {
        var instruments = _bus.Environment.Instruments;
        var enqueuedAt = instruments.BusQueueWaitTime.Enabled ? _bus.Environment.TimeProvider.GetTimestamp() : 0;
        var queue = Volatile.Read(ref _queue) ?? MakeQueue();
        if (_closed)
        {
            // A queue that was made as this was closed has not been.
            return;
        }

        var added = queue.Add(message, enqueuedAt);
        if (added.Dropped is { } dropped)
        {
            _bus.Dropped(Channel, dropped, "queue_full");
            if (added.IsFirstDropped)
            {
                Log.SubscriptionOverflow(_bus.Logger, MessageBus.TemplateOf(Channel), _capacity, _fullMode);
            }
        }

        if (added.Begins)
        {
            // Unsafe: the publisher's execution context (its trace, its async locals) must not leak into the handlers' loop.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>
    /// Hands over a message that was published in this process. What the handler deals with at once it gets at once, unless others wait before
    /// it; the rest is queued. An assignment waits behind nothing, whichever way it comes: the agent is free for it, and what else is sent to an agent is
    /// handled beside its task.
    /// </summary>
    internal void Publish(AgentMessage message)
    {
        if (_closed || (Volatile.Read(ref _queue) is { IsBusy: true } && message.Payload is not TaskAssignment) || !_receiver.HandlesAtOnce(message))
        {
            Queue(message);
            return;
        }

        if (DropIfExpired(message))
        {
            return;
        }

        var handling = new MessageHandling(_bus.Environment, Channel, message);
        _receiver.HandleAtOnce(message);
        handling.End(_bus.Environment);
    }

    /// <summary>Hands over what was published in this process: as it is if that can be, as a message if not.</summary>
    internal void Publish(IMessageSource source)
    {
        if (!TryTake(source))
        {
            Publish(MessageOf(source));
        }
    }

    /// <summary>What goes over the bus as a message only for some, as that.</summary>
    internal AgentMessage MessageOf(IMessageSource source) => MessageTracing.Made(_bus.Environment, Channel, source);

    void IChannelTarget.Publish(AgentMessage message) => Publish(message);

    void IChannelTarget.Publish(IMessageSource source) => Publish(source);

    /// <summary>
    /// Hands over what was published in this process as it is, unless the handler needs a message. As an assignment, or a result, it waits behind
    /// nothing.
    /// </summary>
    internal bool TryTake(IMessageSource source)
    {
        if (_closed || !_receiver.TryTake(source))
        {
            return false;
        }

        _bus.Environment.Instruments.ConsumedMessages.Record(1);
        return true;
    }

    /// <summary>
    /// Unsubscribes: once this has returned nothing more is handed to the handler. A message that it was handed before, and a handler that runs,
    /// are not waited for.
    /// </summary>
    public ValueTask DisposeAsync() => _closed ? ValueTask.CompletedTask : _bus.UnsubscribeAsync(this);

    /// <summary>Starts handling what waits. Called by the thread pool.</summary>
    void IThreadPoolWorkItem.Execute() => _ = PumpAsync();

    /// <summary>Whether it was subscribed with a handler.</summary>
    internal bool IsOf(Func<AgentMessage, CancellationToken, ValueTask> handler) => _receiver is HandlerReceiver own && own.Handler == handler;

    /// <summary>Drops what waits and takes no more.</summary>
    internal int Close(string reason)
    {
        _closed = true;
        Interlocked.MemoryBarrier();
        var dropped = _queue?.Close() ?? [];
        foreach (var entry in dropped)
        {
            _bus.Dropped(Channel, entry.Message, reason);
        }

        return dropped.Count;
    }

    /// <summary>Over when the handler no longer runs, after this was closed: what it was handed before goes on.</summary>
    internal Task WhenQuiet() => Volatile.Read(ref _queue)?.WhenQuiet() ?? Task.CompletedTask;

    private SubscriptionQueue MakeQueue()
    {
        var made = new SubscriptionQueue(_capacity, _fullMode);
        return Interlocked.CompareExchange(ref _queue, made, null) ?? made;
    }

    /// <summary>Handles what waits, one after another.</summary>
    private async Task PumpAsync()
    {
        var environment = _bus.Environment;
        var context = ExecutionContext.Capture();
        var queue = _queue!;
        while (queue.TryTake(out var entry))
        {
            if (DropIfExpired(entry.Message))
            {
                continue;
            }

            if (entry.AddedAt != 0)
            {
                MeasureWait(entry.AddedAt);
            }

            var handling = new MessageHandling(environment, Channel, entry.Message);

            // The bus may be connected again, with another one, before it is over.
            var disconnected = _bus.HandlersEnd;
            try
            {
                await _receiver.HandleAsync(entry.Message, disconnected).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (disconnected.IsCancellationRequested)
            {
                // The bus was disconnected under the handler: an end, not a failure.
            }
#pragma warning disable CA1031 // A handler may throw anything; it must harm neither the publisher nor its siblings.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                NoteFailure(handling, entry.Message, exception);
            }

            handling.End(environment);
            if (context is not null)
            {
                // What a handler leaves in its async locals is not the next one's.
                ExecutionContext.Restore(context);
            }
        }
    }

    private void MeasureWait(long since) =>
        _bus.Environment.Instruments.BusQueueWaitTime.Record(_bus.Environment.TimeProvider.GetElapsedTime(since).TotalSeconds);

    private void NoteFailure(in MessageHandling handling, AgentMessage message, Exception exception)
    {
        try
        {
            Log.HandlerFailed(_bus.Logger, exception, MessageBus.TemplateOf(Channel), message.Type, message.Id);
            handling.Fail(exception);
        }
#pragma warning disable CA1031 // A listener of traces: what waits behind is handled all the same.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            MessageHandling.ListenerFailed(_bus.Environment, failure);
        }
    }

    private bool DropIfExpired(AgentMessage message)
    {
        if (message.TimeToLive is null || !message.IsExpired(_bus.Environment.TimeProvider.GetUtcNow()))
        {
            return false;
        }

        _bus.Dropped(Channel, message, "expired");
        return true;
    }
}
