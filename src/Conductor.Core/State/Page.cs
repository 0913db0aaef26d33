namespace Conductor.State;

/// <summary>A page of a list. Immutable.</summary>
/// <typeparam name="T">What is listed.</typeparam>
public sealed record Page<T>
{
    /// <summary>The items of this page.</summary>
    public IReadOnlyList<T> Items { get; init => field = Snapshot.Of(value); } = Snapshot.None<T>();

    /// <summary>Where the next page goes on; null on the last page.</summary>
    public string? ContinuationToken { get; init; }
}
