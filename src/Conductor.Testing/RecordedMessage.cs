using Conductor.Messaging;

namespace Conductor.Testing;

/// <summary>A message that was published, as its subscribers get it. Immutable.</summary>
public sealed record RecordedMessage
{
    /// <summary>Its place in the order of publishing; the first is 1. The number of a message that another bus refused is nobody's.</summary>
    public required long Number { get; init; }

    /// <summary>The channel it was published to.</summary>
    public required string Channel { get; init; }

    /// <summary>The message, with the timestamp and the trace context that the bus gave it.</summary>
    public required AgentMessage Message { get; init; }

    /// <summary>The message in one line, for people.</summary>
    public override string ToString() =>
        $"{Number} {Channel} {Message.Type} from {Message.Sender}{(Message.CorrelationId is { } correlation ? $" ({correlation})" : string.Empty)}";
}
