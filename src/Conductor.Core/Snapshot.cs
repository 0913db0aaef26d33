using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Globalization;

namespace Conductor;

/// <summary>
/// Copies collections into records, so that what a record holds never aliases what its maker can still change. A collection that is
/// already immutable is kept as it is.
/// </summary>
internal static class Snapshot
{
    public static IReadOnlyDictionary<string, string> EmptyMap => NoMap<string>();

    /// <summary>A copy; of nothing, the empty list that records have by default, so that a record that was read is equal to the one that was written.</summary>
    public static IReadOnlyList<T> Of<T>(IReadOnlyList<T>? items) => items switch
    {
        null or { Count: 0 } => None<T>(),
        IUnchanging or ImmutableList<T> => items,
        _ => new ImmutableArrayBox<T>([.. items]),
    };

    public static IReadOnlyDictionary<string, string> Of(IReadOnlyDictionary<string, string>? map) =>
        map is null or { Count: 0 } ? EmptyMap : Of<string>(map);

    public static IReadOnlyDictionary<string, T> Of<T>(IReadOnlyDictionary<string, T>? map) => map switch
    {
        null or { Count: 0 } => NoMap<T>(),
        FrozenDictionary<string, T> or ImmutableDictionary<string, T> or IUnchanging => map,
        _ => new OwnedMap<T>(new Dictionary<string, T>(map, StringComparer.Ordinal)),
    };

    /// <summary>The empty list that records have by default.</summary>
    public static IReadOnlyList<T> None<T>() => ImmutableArrayBox<T>.Nothing;

    /// <summary>The empty map that records have by default.</summary>
    public static IReadOnlyDictionary<string, T> NoMap<T>() => OwnedMap<T>.Nothing;

    /// <summary>Wraps a dictionary that nobody else holds, without a copy.</summary>
    public static IReadOnlyDictionary<string, T> Owning<T>(Dictionary<string, T> map) => new OwnedMap<T>(map);

    /// <summary>What records say of their collections. (What is in them may be long, and confidential.)</summary>
    private static string Describe(int count) => string.Create(CultureInfo.InvariantCulture, $"{count} item{(count == 1 ? string.Empty : "s")}");

    private sealed class OwnedMap<T>(Dictionary<string, T> map) : ReadOnlyDictionary<string, T>(map), IUnchanging
    {
        public static OwnedMap<T> Nothing { get; } = new(new Dictionary<string, T>(StringComparer.Ordinal));

        public override string ToString() => Describe(Count);
    }

    private sealed class ImmutableArrayBox<T>(T[] items) : ReadOnlyCollection<T>(items), IUnchanging
    {
        public static ImmutableArrayBox<T> Nothing { get; } = new([]);

        public override string ToString() => Describe(Count);
    }
}
