namespace Conductor.State;

/// <summary>Reads what <see cref="PackWriter"/> wrote, in the same order.</summary>
/// <param name="bytes">What was written.</param>
/// <param name="objects">The objects that it names.</param>
internal ref struct PackReader(ReadOnlySpan<byte> bytes, object[] objects)
{
    private readonly object[] _objects = objects;
    private ReadOnlySpan<byte> _rest = bytes;
    private long _time;

    public long Take() => (long)Varint.Read(ref _rest);

    public int TakeInt32() => (int)Take();

    public long TakeSigned()
    {
        var number = Varint.Read(ref _rest);
        return (long)(number >> 1) ^ -(long)(number & 1);
    }

    public long TakeTime() => _time = unchecked(_time + TakeSigned());

    public ReadOnlySpan<byte> TakeBytes()
    {
        var length = TakeInt32();
        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    /// <summary>The object that was written; null for none.</summary>
    public T? TakeObject<T>()
        where T : class => TakeInt32() is var number and > 0 ? (T)_objects[number - 1] : null;
}
