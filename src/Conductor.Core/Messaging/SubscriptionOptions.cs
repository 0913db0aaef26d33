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
}
