using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Conductor.Serialization;

/// <summary>
/// Whether values of a type can be written as JSON and read again, as far as its contract tells without a value: JSON itself finds out when it meets one,
/// which is after a crash. Nothing of the user's is called. For one check.
/// </summary>
internal sealed class PayloadCheck
{
    private static readonly Type[] _stacks = [typeof(Stack<>), typeof(ConcurrentStack<>), typeof(ImmutableStack<>), typeof(IImmutableStack<>)];

    private readonly JsonSerializerOptions _options;
    private readonly HashSet<(Type Type, bool IsRead)> _seen = [];

    private PayloadCheck(JsonSerializerOptions options) => _options = options;

    /// <summary>What is wrong with a type, naming the member that it is about; null for nothing.</summary>
    /// <param name="type">The type.</param>
    /// <param name="options">The options that it is written and read by.</param>
    public static string? ProblemOf(Type type, JsonSerializerOptions options) => new PayloadCheck(options).Find(type, type.ToString(), isRead: true);

    /// <summary>Looks at a type and at what it is made of.</summary>
    /// <param name="type">The type.</param>
    /// <param name="path">Where it stands.</param>
    /// <param name="isRead">Whether it is read as well: what has only a getter is written alone.</param>
    private string? Find(Type type, string path, bool isRead)
    {
        if (!_seen.Add((type, isRead)))
        {
            return null;
        }

        if (!TryGetInfo(type, out var info, out var reason))
        {
            return Say(path, type, reason);
        }

        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return Find(value, path, isRead);
        }

        return info.Kind switch
        {
            JsonTypeInfoKind.None => IsUnsupported(info) ? Say(path, type, "JSON has no form for it") : null,
            JsonTypeInfoKind.Object => OfObject(info, path, isRead),
            _ => OfCollection(info, path, isRead),
        };
    }

    private string? OfObject(JsonTypeInfo info, string path, bool isRead)
    {
        var derived = info.PolymorphismOptions?.DerivedTypes ?? (IEnumerable<JsonDerivedType>)[];
        var isBase = info.Type.IsAbstract && derived.Any();
        if (isRead && !isBase && ConstructionProblem(info) is { } problem)
        {
            return Say(path, info.Type, problem);
        }

        if (!isBase && (HiddenState.ProblemOf(info) ?? (isRead ? OneWayState.ProblemOf(info) : null)) is { } loss)
        {
            return Say(path, info.Type, loss);
        }

        foreach (var property in info.Properties)
        {
            var (isWritten, isSet) = (property.Get is not null, property.Set is not null || property.AssociatedParameter is not null);
            if (property.CustomConverter is null && (isWritten || isSet)
                && Find(property.PropertyType, $"{path}.{MemberName(property)}", isRead && isSet) is { } ofMember)
            {
                return ofMember;
            }
        }

        foreach (var type in derived)
        {
            if (Find(type.DerivedType, type.DerivedType.ToString(), isRead) is { } ofDerived)
            {
                return ofDerived;
            }
        }

        return null;
    }

    private string? OfCollection(JsonTypeInfo info, string path, bool isRead)
    {
        // (A struct can always be made, and may take nothing in: a segment of an array.)
        if (isRead && (info.CreateObject is null || info.Type.IsValueType) && !CanReadEmpty(info))
        {
            return Say(path, info.Type, "JSON can write such a collection, but not make one");
        }

        if (isRead && IsStack(info.Type))
        {
            return Say(path, info.Type, "JSON has a stack from its top down, and makes one of that upside down; use a list");
        }

        if (info.KeyType is { } key && TryGetInfo(key, out var ofKey, out _) && ofKey.Kind != JsonTypeInfoKind.None)
        {
            return Say(path, info.Type, $"JSON has no keys of type {key}");
        }

        return info.ElementType is { } element ? Find(element, $"{path}[]", isRead) : null;
    }

    private static string? ConstructionProblem(JsonTypeInfo info)
    {
        if (info.CreateObject is not null)
        {
            return null;
        }

        if (info.Type.IsAbstract)
        {
            return $"it is {(info.Type.IsInterface ? "an interface" : "abstract")}, and JSON cannot tell what to make; say what it may be by " +
                "[JsonDerivedType], with a discriminator";
        }

        // (A generated context sets init-only members as if they were parameters.)
        var bound = info.Properties.Count(static property => property.AssociatedParameter is { IsMemberInitializer: false });
        var isUsable = info.ConstructorAttributeProvider is MethodBase constructor ? constructor.GetParameters().Length == bound : bound > 0;
        return isUsable
            ? null
            : "it has no constructor that JSON can use; give it one without parameters, or one whose parameters are named like its properties";
    }

    /// <summary>A collection that gives last what it was given first; or one that derives from such.</summary>
    private static bool IsStack(Type type)
    {
        for (var part = type; part is not null; part = part.BaseType)
        {
            if (part == typeof(Stack) || (part.IsGenericType && _stacks.Contains(part.GetGenericTypeDefinition())))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Only where no constructor of the user's is called: for arrays, interfaces, structs, and the collections of .NET that have none.</summary>
    private static bool CanReadEmpty(JsonTypeInfo info)
    {
        try
        {
            JsonSerializer.Deserialize(info.Kind == JsonTypeInfoKind.Dictionary ? "{}"u8 : "[]"u8, info);
            return true;
        }
        catch (Exception exception) when (exception is NotSupportedException or InvalidOperationException)
        {
            // What was asked.
            return false;
        }
    }

    /// <summary>What the serializer knows only to say, when it meets a value, that it does not: unless the user has a converter for it.</summary>
    private static bool IsUnsupported(JsonTypeInfo info) =>
        info.Converter.GetType().Assembly == typeof(JsonSerializer).Assembly
        && (typeof(Delegate).IsAssignableFrom(info.Type) || typeof(MemberInfo).IsAssignableFrom(info.Type)
            || info.Type is { IsArray: true, IsSZArray: false } || info.Type == typeof(nint) || info.Type == typeof(nuint)
                || info.Type == typeof(SerializationInfo));

    private bool TryGetInfo(Type type, [NotNullWhen(true)] out JsonTypeInfo? info, out string reason)
    {
        try
        {
            reason = "no JSON context knows it; add one by AddConductor().AddJsonContext(MyJsonContext.Default)";
            return _options.TryGetTypeInfo(type, out info);
        }
        catch (Exception exception) when (exception is NotSupportedException or InvalidOperationException or ArgumentException)
        {
            // A contract that contradicts itself, or a type that has none, such as a pointer.
            (info, reason) = (null, exception.Message.TrimEnd('.'));
            return false;
        }
    }

    private static string MemberName(JsonPropertyInfo property) => (property.AttributeProvider as MemberInfo)?.Name ?? property.Name;

    private static string Say(string path, Type type, string reason) => path == type.ToString() ? $"{path} ({reason})" : $"{path}, a {type} ({reason})";
}
