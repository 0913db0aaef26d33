namespace YourOwnTypes;

/// <summary>What a translator takes in. Any type of your own can be a task's input or output; treat it as immutable.</summary>
internal sealed record Document
{
    /// <summary>The text.</summary>
    public required string Text { get; init; }

    /// <summary>The language to translate it to.</summary>
    public required string To { get; init; }
}
