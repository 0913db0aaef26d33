using System.Buffers;

namespace Conductor.State;

/// <summary>
/// Writes what is to be kept for long into one array of bytes, and one of the objects that the bytes name by number: whatever it is, the collector has two
/// pieces to copy. <see cref="PackReader"/> reads it. Disposing gives back what was written into.
/// </summary>
internal ref struct PackWriter
{
    /// <summary>An object that was named is looked for among so many that came last: an agent, a phase, the kind of an output come again and again.</summary>
    private const int LookBack = 32;

    /// <summary>A run of some forty tasks.</summary>
    private const int FirstLength = 1_024;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstLength);
    private object[] _objects = ArrayPool<object>.Shared.Rent(LookBack);
    private int _length;
    private int _objectCount;
    private long _time;

    /// <summary>Begins to write.</summary>
    public PackWriter()
    {
    }

    /// <summary>What was written.</summary>
    public readonly byte[] ToBytes() => _bytes.AsSpan(0, _length).ToArray();

    /// <summary>The objects that it names.</summary>
    public readonly object[] ToObjects() => _objects.AsSpan(0, _objectCount).ToArray();

    /// <summary>Writes a number that is hardly ever negative.</summary>
    public void Put(long number)
    {
        MakeRoom(Varint.MaxLength);
        _length += Varint.Write(_bytes.AsSpan(_length), (ulong)number);
    }

    /// <summary>Writes a number that may as well be negative.</summary>
    public void PutSigned(long number) => Put((number << 1) ^ (number >> 63));

    /// <summary>Writes a time, in ticks: mostly a little later than the one before.</summary>
    public void PutTime(long ticks)
    {
        PutSigned(unchecked(ticks - _time));
        _time = ticks;
    }

    /// <summary>Writes bytes, and how many they are.</summary>
    public void PutBytes(ReadOnlySpan<byte> bytes)
    {
        Put(bytes.Length);
        MakeRoom(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>Writes the number of an object; 0 for none.</summary>
    public void PutObject(object? value) => Put(value is null ? 0 : NumberOf(value) + 1);

    /// <summary>Gives back what was written into.</summary>
    public readonly void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _objects.AsSpan(0, _objectCount).Clear();
        ArrayPool<object>.Shared.Return(_objects);
    }

    private int NumberOf(object value)
    {
        var oldest = Math.Max(0, _objectCount - LookBack);
        for (var number = _objectCount - 1; number >= oldest; number--)
        {
            if (ReferenceEquals(_objects[number], value))
            {
                return number;
            }
        }

        if (_objectCount == _objects.Length)
        {
            Grow(ArrayPool<object>.Shared, ref _objects, _objectCount, 2 * _objectCount);
        }

        _objects[_objectCount] = value;
        return _objectCount++;
    }

    private void MakeRoom(int bytes)
    {
        if (_length + bytes > _bytes.Length)
        {
            Grow(ArrayPool<byte>.Shared, ref _bytes, _length, Math.Max(2 * _bytes.Length, _length + bytes));
        }
    }

    private static void Grow<T>(ArrayPool<T> pool, ref T[] array, int used, int room)
    {
        var longer = pool.Rent(room);
        array.AsSpan(0, used).CopyTo(longer);
        pool.Return(array, clearArray: !typeof(T).IsPrimitive);
        array = longer;
    }
}
