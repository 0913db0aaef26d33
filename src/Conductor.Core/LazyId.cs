namespace Conductor;

/// <summary>
/// The id of a task or a message: a text that was given, or the number of a new id, which becomes text when somebody reads it, as hardly anybody does.
/// Equal to another when their texts are.
/// </summary>
/// <remarks>
/// The text is kept in the variable it was read from, so a field of a class makes it once; a copy, or a field that is read-only, makes it again.
/// </remarks>
internal struct LazyId : IEquatable<LazyId>
{
    private string? _text;

    /// <summary>An id that was given.</summary>
    public LazyId(string? text) => _text = text;

    /// <summary>An id that this process made.</summary>
    public LazyId(long number) => Number = number;

    /// <summary>The number of an id that this process made; 0 where only its text is known.</summary>
    public readonly long Number { get; }

    /// <summary>Whether it is no id: nothing, or nothing but white space.</summary>
    public readonly bool IsBlank => Number == 0 && string.IsNullOrWhiteSpace(_text);

    /// <summary>
    /// What is wrong with an id that was given; null for one that can be used, and for one that this process made, which is not made text to see
    /// that.
    /// </summary>
    public readonly string? Problem => Number == 0 ? IdText.ProblemOf(_text) : null;

    /// <summary>The id as everybody sees it; null for none. Whoever reads it first makes it; two who do so at once make the same.</summary>
    public string? Text => Number == 0 ? _text : _text ??= EntityId.TextOf(Number);

    /// <summary>A new id.</summary>
    public static LazyId New() => new(EntityId.NewNumber());

    /// <inheritdoc />
    public bool Equals(LazyId other) =>
        Number != 0 && other.Number != 0 ? Number == other.Number : string.Equals(Text, other.Text, StringComparison.Ordinal);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is LazyId other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => Text?.GetHashCode(StringComparison.Ordinal) ?? 0;
}
