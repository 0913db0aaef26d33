using System.Text.Json.Serialization;

namespace Conductor.Messaging;

/// <summary>A message. Immutable.</summary>
public sealed record AgentMessage
{
    private LazyId _id;

    /// <summary>Makes a message with a new id.</summary>
    public AgentMessage() => _id = LazyId.New();

    /// <summary>Makes a message whose id is known, and makes none in vain.</summary>
    internal AgentMessage(string id) => _id = new LazyId(id);

    /// <summary>Unique text. Default: a new <see cref="EntityId"/>.</summary>
    public string Id
    {
        get => _id.Text!;

        // Null is what JSON may say for no id: the message keeps its new one.
        init => _id = value is null ? _id : new LazyId(value);
    }

    /// <summary>What it is.</summary>
    public required MessageType Type { get; init; }

    /// <summary>Who sends it.</summary>
    public required string Sender { get; init; }

    /// <summary>Whom it is for. Default: null, everybody.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Recipient { get; init; }

    /// <summary>What it carries, if anything.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public MessagePayload? Payload { get; init; }

    /// <summary>Ties messages of one exchange together.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CorrelationId { get; init; }

    /// <summary>How urgent it is, for the receiver to know. Default: medium.</summary>
    public TaskPriority Priority { get; init; } = TaskPriority.Medium;

    /// <summary>When it was made. Default: the bus fills it in when it is published.</summary>
    public DateTimeOffset Timestamp { get; init; }

    /// <summary>How long it is worth delivering. Over zero. Default: null, for ever.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>Text beside the payload: the trace context travels here.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init => field = value as TraceHeaders ?? Snapshot.Of(value); } = Snapshot.EmptyMap;

    /// <summary>True for a message to everybody.</summary>
    [JsonIgnore]
    public bool IsBroadcast => Recipient is null;

    /// <summary>Whether its time to live is over: its age is strictly greater. One without a timestamp was not published yet, and has no age.</summary>
    /// <param name="now">The present.</param>
    public bool IsExpired(DateTimeOffset now) => TimeToLive is { } limit && Timestamp != default && now - Timestamp > limit;

    /// <summary>
    /// A response: its recipient is this message's sender, its correlation id is this message's correlation id or else its id, its
    /// priority is inherited, its time to live is not.
    /// </summary>
    /// <param name="type">What the response is.</param>
    /// <param name="sender">Who responds.</param>
    /// <param name="payload">What it carries, if anything.</param>
    public AgentMessage CreateResponse(MessageType type, string sender, MessagePayload? payload = null) => new()
    {
        Type = type,
        Sender = sender,
        Recipient = Sender,
        Payload = payload,
        CorrelationId = CorrelationId ?? Id,
        Priority = Priority,
        Headers = new Dictionary<string, string>(StringComparer.Ordinal) { [MessageHeaders.InReplyTo] = Id },
    };
}
