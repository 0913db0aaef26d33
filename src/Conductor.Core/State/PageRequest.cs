namespace Conductor.State;

/// <summary>Which page of a list. Immutable.</summary>
public sealed record PageRequest
{
    /// <summary>The default of <see cref="Size"/>: 100.</summary>
    public const int DefaultSize = 100;

    /// <summary>The largest <see cref="Size"/>: 1,000.</summary>
    public const int MaxSize = 1_000;

    /// <summary>The first page, of the default size.</summary>
    public static PageRequest First { get; } = new();

    /// <summary>How many items at most: 1 to 1,000. Default: 100.</summary>
    public int Size { get; init; } = DefaultSize;

    /// <summary>The token of the page before, from the same list. Default: null, the first page.</summary>
    public string? ContinuationToken { get; init; }

    /// <summary>What a store throws that cannot read <see cref="ContinuationToken"/>. For whoever writes a store.</summary>
    /// <returns>The exception.</returns>
    public ArgumentException UnreadableToken() => new(
        $"'{ContinuationToken}' is not a {nameof(ContinuationToken)} of this list. Leave it out for the first page, and pass on for each further " +
            "one what the page before it gave.",
        paramName: null);

    /// <summary>Refuses a size that no page has.</summary>
    /// <param name="parameterName">The argument that it came in.</param>
    internal void Validate(string parameterName)
    {
        if (Size is < 1 or > MaxSize)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"{nameof(PageRequest)}.{nameof(Size)} is {Size}; it must be 1 to {MaxSize}."), parameterName);
        }
    }
}
