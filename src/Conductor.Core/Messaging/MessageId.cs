namespace Conductor.Messaging;

/// <summary>
/// The id of a message: a text that was given, or the number of a new id, which becomes text when somebody reads it, as hardly anybody does. Equal
/// to another when their texts are.
/// </summary>
internal struct MessageId : IEquatable<MessageId>
{
    private readonly long _number;
    private string? _text;

    /// <summary>An id that was given.</summary>
    public MessageId(string text) => _text = text;

    private MessageId(long number) => _number = number;

    /// <summary>The id as everybody sees it. Whoever reads it first makes it; two who do so at once make the same.</summary>
    public string Text => _text ??= EntityId.TextOf(_number);

    /// <summary>A new id.</summary>
    public static MessageId New() => new(EntityId.NewNumber());

    /// <inheritdoc />
    public bool Equals(MessageId other) =>
        (_number != 0 && _number == other._number) || string.Equals(Text, other.Text, StringComparison.Ordinal);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is MessageId other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);
}
