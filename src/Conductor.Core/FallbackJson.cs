using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
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
    public static JsonSerializerOptions Options { get; } = Create(JsonTypeInfoResolver.Combine(PlainValuesJsonContext.Default, Reflection));

    private static readonly ConditionalWeakTable<JsonSerializerOptions, JsonSerializerOptions> _withTypesOf = [];

    /// <summary>The same naming for a program's own types, those of its contexts, too.</summary>
    /// <param name="options">Options that know them.</param>
    public static JsonSerializerOptions OptionsWithTypesOf(JsonSerializerOptions options) =>
        _withTypesOf.GetValue(options, static known => Create(known.TypeInfoResolver!, known.MaxDepth));

    private static JsonSerializerOptions Create(IJsonTypeInfoResolver resolver, int maxDepth = 0)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web) { TypeInfoResolver = resolver, MaxDepth = maxDepth };
        options.MakeReadOnly();
        return options;
    }
}
