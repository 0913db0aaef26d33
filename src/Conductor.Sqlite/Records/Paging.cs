namespace Conductor.Sqlite.Records;

/// <summary>Pages of what was read, and what to say when it does not fit together.</summary>
internal static class Paging
{
    /// <summary>A page from one item more than fits on it, if there is one.</summary>
    public static Page<T> ToPage<TItem, T>(List<TItem> items, int size, Func<TItem, string> position, Func<TItem, T> value) => new()
    {
        Items = [.. items.Take(size).Select(value)],
        ContinuationToken = items.Count > size ? position(items[size - 1]) : null,
    };

    /// <summary>A record stands where another one belongs, or rows are missing.</summary>
    public static StateException Mismatch(string key) => new(
        ErrorCodes.StateCorrupt, $"What is stored of '{key}' is damaged: its parts do not fit together. Restore the database from a backup.")
    {
        Key = key,
    };
}
