namespace FailureHandling;

/// <summary>What a courier delivers.</summary>
internal sealed record Parcel
{
    /// <summary>Where to.</summary>
    public required string Address { get; init; }

    /// <summary>What is in it.</summary>
    public string Content { get; init; } = "books";
}
