namespace Conductor.Threading;

/// <summary>A lock for what is seldom changed and kept in great numbers: it is made when it is first taken.</summary>
internal static class LazyLock
{
    /// <summary>The lock of a field. Everybody gets the same.</summary>
    public static Lock Of(ref Lock? field) => Volatile.Read(ref field) ?? Interlocked.CompareExchange(ref field, new Lock(), null) ?? field;
}
