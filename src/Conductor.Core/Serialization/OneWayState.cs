using System.Diagnostics.CodeAnalysis;
using System.Reflection;
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
        "JSON can write its properties and set none of them; use a record that takes them, or mark the constructor that does with [JsonConstructor] (a " +
            "[JsonConverter], or [JsonIgnore] on a property, says that nothing need come back)";

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
        && type.Properties.Count > 0
        && type.Properties.All(property => IsGivenAlone(property, type))
        && !typeof(IJsonOnDeserialized).IsAssignableFrom(type.Type)
        && HiddenState.HasFields(type.Type)
        && !IsTheSameEachTime(type.Type);

    /// <summary>(A property that is filled in place needs no setter, and one that is ignored is somebody's wish.)</summary>
    private static bool IsGivenAlone(JsonPropertyInfo property, JsonTypeInfo type) =>
        property is { Get: not null, Set: null, AssociatedParameter: null, IsExtensionData: false }
        && (property.ObjectCreationHandling ?? type.PreferredPropertyObjectCreationHandling) != JsonObjectCreationHandling.Populate;

    /// <summary>Whether nothing of a type's values can have come from outside: no constructor takes anything, and what it sets is plain and stays.</summary>
    [UnconditionalSuppressMessage(
        "Trimming", "IL2070", Justification = "Where the trimmer took a constructor or a field, a value is read as it would be without this check.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "The same.")]
    private static bool IsTheSameEachTime(Type type)
    {
        const BindingFlags Own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        for (var part = type; part is not null; part = part.BaseType)
        {
            // (A record copies itself by one that takes another.)
            if (part.IsValueType
                || part.GetConstructors(Own).Any(constructor => constructor.GetParameters() is { Length: > 0 } taken && taken[0].ParameterType != part)
                || part.GetFields(Own).Any(static field => !field.IsInitOnly || !(field.FieldType.IsPrimitive || field.FieldType.IsEnum
                    || field.FieldType == typeof(string))))
            {
                return false;
            }
        }

        return true;
    }
}
