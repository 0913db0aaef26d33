using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Conductor;

/// <summary>How data is read that came without options: plain values everywhere, the user's types where reflection is on.</summary>
internal static class FallbackJson
{
    /// <summary>Reads the user's types by reflection; null in a program published without it (AOT, trimming).</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Only reached where reflection is on; trimmed programs register their contexts.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Only reached where reflection is on; AOT programs register their contexts.")]
    public static IJsonTypeInfoResolver? Reflection { get; } =
        JsonSerializer.IsReflectionEnabledByDefault ? new DefaultJsonTypeInfoResolver() : null;

    /// <summary>After <see cref="Reflection"/>, which it is made of: static members are initialized in the order they stand in.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            TypeInfoResolver = JsonTypeInfoResolver.Combine(PlainValuesJsonContext.Default, Reflection),
        };
        options.MakeReadOnly();
        return options;
    }
}
