using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Conductor.Serialization;

/// <summary>
/// Types that JSON can write and not fill again: it makes them without parameters, none of their properties can be set, and what they hold is in
/// fields. A value would come back as the default, without a word; so it is refused when it is read.
/// </summary>
internal static class OneWayState
{
    private const string Reason =
        "JSON can write its properties and set none of them; use a record, or mark the constructor that takes them with [JsonConstructor]";

    /// <summary>Lets a type's values be refused when they are read; what is only written may be as it likes.</summary>
    /// <param name="type">What is known of the type, before anybody uses it.</param>
    public static void Refuse(JsonTypeInfo type)
    {
        if (IsOneWay(type))
        {
            type.OnDeserializing += _ => throw new TaskValidationException($"{type.Type} cannot be read from JSON: {Reason}.");
        }
    }

    /// <summary>What is wrong with a type as that of values that are read; null for nothing.</summary>
    /// <param name="type">What is known of the type.</param>
    public static string? ProblemOf(JsonTypeInfo type) => IsOneWay(type) ? Reason : null;

    private static bool IsOneWay(JsonTypeInfo type) =>
        type is { Kind: JsonTypeInfoKind.Object, CreateObject: not null }
        && type.Properties.Any(static property => property.Get is not null)
        && type.Properties.All(property => IsGivenAlone(property, type))
        && HiddenState.HasFields(type.Type);

    /// <summary>(A property that is filled in place needs no setter.)</summary>
    private static bool IsGivenAlone(JsonPropertyInfo property, JsonTypeInfo type) =>
        property is { Set: null, AssociatedParameter: null, IsExtensionData: false }
        && (property.ObjectCreationHandling ?? type.PreferredPropertyObjectCreationHandling) != JsonObjectCreationHandling.Populate;
}
