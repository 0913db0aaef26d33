using System.Collections.Frozen;
using System.Text.Json;

namespace Conductor;

/// <summary>
/// The wire names of a closed set, as its JSON has them: for messages, tags and texts that are read by programs. One text for each value.
/// Thread-safe.
/// </summary>
internal static class EnumName<TEnum>
    where TEnum : struct, Enum
{
    private static readonly FrozenDictionary<TEnum, string> _names =
        Enum.GetValues<TEnum>().ToFrozenDictionary(static value => value, static value => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()));

    /// <summary>The name of a value.</summary>
    public static string Of(TEnum value) => _names.TryGetValue(value, out var name) ? name : value.ToString();
}
