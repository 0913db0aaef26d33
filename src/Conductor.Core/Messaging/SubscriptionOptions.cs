namespace Conductor.Messaging;

/// <summary>Settings of one subscription.</summary>
public sealed class SubscriptionOptions
{
    /// <summary>How many messages may wait for the handler: at least 1.</summary>
    /// <value>Default: null, <see cref="MessageBusOptions.SubscriptionCapacity"/>.</value>
    public int? Capacity { get; set; }

    /// <summary>What happens when so many wait.</summary>
    /// <value>Default: <see cref="QueueFullMode.DropOldest"/>.</value>
    public QueueFullMode FullMode { get; set; } = QueueFullMode.DropOldest;

    /// <summary>
    /// Messages that the handler deals with at once, without waiting and without running anybody else's code: one published in this process
    /// needs no queue and no other thread then. For the library's own handlers.
    /// </summary>
    internal Predicate<AgentMessage>? HandledAtOnce { get; set; }
}
