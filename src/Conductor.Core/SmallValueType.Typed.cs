using System.Runtime.CompilerServices;

namespace Conductor;

/// <summary>The small values of one type.</summary>
/// <typeparam name="T">The type.</typeparam>
internal sealed class SmallValueType<T> : SmallValueType
{
    private SmallValueType()
    {
    }

    /// <summary>Null when values of the type are longer, or refer to something.</summary>
    public static SmallValueType<T>? Instance { get; } =
        RuntimeHelpers.IsReferenceOrContainsReferences<T>() || Unsafe.SizeOf<T>() > sizeof(long) ? null : new SmallValueType<T>();

    public static long ToBits(T value)
    {
        var bits = 0L;
        Unsafe.WriteUnaligned(ref Unsafe.As<long, byte>(ref bits), value);
        return bits;
    }

    public override TaskData ToData(long bits) => TaskData.From(Unsafe.ReadUnaligned<T>(ref Unsafe.As<long, byte>(ref bits)));
}
