using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Conductor.Serialization;

/// <summary>
/// How records become JSON: snake_case names, nulls left out, closed sets as their wire names, no CLR type names; a member that JSON leaves
/// out keeps its default. Stores and wires use it; your own types are added by their source-generated contexts, or by reflection where the program
/// allows it, and are written as they say themselves, nulls included.
/// </summary>
public static class ConductorJson
{
    /// <summary>The options without types of your own. Read-only and thread-safe.</summary>
    public static JsonSerializerOptions Options { get; } = CreateOptions();

    /// <summary>Options that also know types of your own.</summary>
    /// <param name="resolvers">Your source-generated contexts, such as <c>MyJsonContext.Default</c>.</param>
    /// <returns>Options that are read-only and thread-safe.</returns>
    public static JsonSerializerOptions CreateOptions(params IEnumerable<IJsonTypeInfoResolver> resolvers)
    {
        ArgumentNullException.ThrowIfNull(resolvers);
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            MaxDepth = 64,

            // The library's own records first: nobody else may say how they are written.
            TypeInfoResolver = JsonTypeInfoResolver.Combine(
                [ConductorJsonContext.Default.WithAddedModifier(RecordContract.Apply), PlainValuesJsonContext.Default, .. resolvers,
                    .. FallbackJson.Reflection is { } reflection ? [reflection] : Array.Empty<IJsonTypeInfoResolver>()])
                .WithAddedModifier(HiddenState.Refuse).WithAddedModifier(OneWayState.Refuse),
        };
        options.MakeReadOnly();
        return options;
    }
}
