using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;

namespace Conductor.Serialization;

/// <summary>
/// Values of which JSON would leave out everything: what they hold is in fields (the items of a tuple, public fields, private state), and they have no
/// properties. They would be <c>{}</c>, and come back as the default; so they are refused where they are written. What holds nothing is <c>{}</c>.
/// </summary>
/// <remarks>In a trimmed program, private fields may have no description left, and are not found. While it is developed, they are.</remarks>
internal static class HiddenState
{
    /// <summary>Lets a type's values be refused when they are written, wherever in the data they stand; reading is as it was.</summary>
    /// <param name="type">What is known of the type, before anybody uses it.</param>
    public static void Refuse(JsonTypeInfo type)
    {
        if (HasNoProperties(type))
        {
            type.OnSerializing += value => ThrowIfLost(type.Type, value.GetType());
        }
    }

    /// <summary>What is wrong with a type as that of values that are written; null for nothing.</summary>
    /// <param name="type">What is known of the type.</param>
    public static string? ProblemOf(JsonTypeInfo type) => HasNoProperties(type) ? ReasonOf(type.Type) : null;

    /// <summary>
    /// A converter of the user's makes it another kind. A property that is ignored counts (somebody wanted it so), and one that can only be set does not.
    /// </summary>
    private static bool HasNoProperties(JsonTypeInfo type) =>
        type.Kind == JsonTypeInfoKind.Object && type.Properties.All(static property => property is { Get: null, Set: not null });

    private static void ThrowIfLost(Type declared, Type actual)
    {
        if (ReasonOf(actual) is { } reason)
        {
            throw new TaskValidationException(
                actual == declared
                    ? $"{actual} cannot be written as JSON: {reason}."
                    : $"{actual} cannot be written as the {declared} that it was handed over as: that has no properties, so that JSON would leave out " +
                        "everything; hand it over as what it is, or name it by [JsonDerivedType], with a discriminator.");
        }
    }

    private static string? ReasonOf(Type type) =>
        type is { IsValueType: true, IsGenericType: true } && typeof(ITuple).IsAssignableFrom(type)
            ? "the items of a tuple are fields, which JSON leaves out; use a record"
            : HasFields(type)
                ? "all that it holds is in fields or in properties that are not public, which JSON leaves out; use a record, or mark them with [JsonInclude] " +
                    "(a [JsonConverter], or [JsonIgnore] on a property, says that nothing need come back)"
                : null;

    /// <summary>Whether values of a type hold anything.</summary>
    [UnconditionalSuppressMessage(
        "Trimming", "IL2070", Justification = "Where the trimmer took a field, or what describes it, a value is written as it would be without this check.")]
    public static bool HasFields(Type type) =>
        type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length > 0 || (type.BaseType is { } parent && HasFields(parent));
}
