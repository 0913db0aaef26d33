namespace Conductor.Workflows;

/// <summary>What was noted of one kind since the last step. Takes no place until something is, and is used again for the next step.</summary>
/// <param name="room">For how many there is room as soon as there is one.</param>
internal struct Noted<T>(int room)
{
    private readonly int _room = room;
    private List<T>? _items;

    public void Add(T item) => (_items ??= new List<T>(_room)).Add(item);

    public void AddRange(IEnumerable<T> items) => (_items ??= []).AddRange(items);

    /// <summary>Takes what was noted.</summary>
    public readonly T[] Take()
    {
        if (_items is not { Count: > 0 })
        {
            return [];
        }

        T[] taken = [.. _items];
        _items.Clear();
        return taken;
    }
}
