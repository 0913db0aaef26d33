using Microsoft.Extensions.Logging;

namespace Conductor.Messaging;

/// <summary>Event ids 1100 to 1199.</summary>
internal static partial class Log
{
    [LoggerMessage(1100, LogLevel.Debug, "Bus {Bus} is connected.")]
    public static partial void Connected(ILogger logger, string bus);

    [LoggerMessage(1101, LogLevel.Debug, "Bus {Bus} is disconnected; {Dropped} waiting message(s) were dropped and {Requests} request(s) failed.")]
    public static partial void Disconnected(ILogger logger, string bus, int dropped, int requests);

    [LoggerMessage(1102, LogLevel.Error, "A handler on {Channel} failed for message {MessageId} ({Type}). Other handlers are not affected.")]
    public static partial void HandlerFailed(ILogger logger, Exception exception, string channel, MessageType type, string messageId);

    [LoggerMessage(1103, LogLevel.Warning, "A subscription on {Channel} holds its {Capacity} messages and drops ({Mode}) until its handler catches up.")]
    public static partial void SubscriptionOverflow(ILogger logger, string channel, int capacity, QueueFullMode mode);

    [LoggerMessage(1104, LogLevel.Debug, "Message {MessageId} on {Channel} was dropped: {Reason}.")]
    public static partial void MessageDropped(ILogger logger, string messageId, string channel, string reason);

    [LoggerMessage(1105, LogLevel.Error, "Somebody who listens to traces, metrics or logs failed at a message, which is handled all the same.")]
    public static partial void ListenerFailed(ILogger logger, Exception exception);

    [LoggerMessage(1106, LogLevel.Error, "What somebody registered on the token of a handler failed when the bus was disconnected, which it is all the same.")]
    public static partial void CallbackFailed(ILogger logger, Exception exception);

    [LoggerMessage(1107, LogLevel.Warning,
        "Bus {Bus} was disposed while it connected or disconnected, which took longer than {Patience}: that is left to itself.")]
    public static partial void LeftConnecting(ILogger logger, string bus, TimeSpan patience);

    [LoggerMessage(1108, LogLevel.Warning,
        "Request {MessageId} on {Channel} could not be published, which was found when nobody waited for its answer any more.")]
    public static partial void RequestFailedLate(ILogger logger, Exception exception, string messageId, string channel);
}
