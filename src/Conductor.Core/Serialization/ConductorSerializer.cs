using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Conductor.Serialization;

/// <summary>The JSON options of one container: what stores and wires of that container write and read by. Thread-safe.</summary>
public sealed class ConductorSerializer
{
    /// <summary>Makes a serializer.</summary>
    /// <param name="resolvers">Contexts of the user's own types.</param>
    public ConductorSerializer(IEnumerable<IJsonTypeInfoResolver> resolvers) => Options = ConductorJson.CreateOptions(resolvers);

    /// <summary>The options. Read-only.</summary>
    public JsonSerializerOptions Options { get; }

    /// <summary>Whether a type can be written and read.</summary>
    /// <param name="type">The type.</param>
    public bool CanSerialize(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return Options.TryGetTypeInfo(type, out _);
    }
}
