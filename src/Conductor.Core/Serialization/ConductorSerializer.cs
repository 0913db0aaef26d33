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

    /// <summary>
    /// Whether a type can be written and read, as far as its contract tells: it and what it is made of are known, have a form in JSON, and can be
    /// made anew. What single values are (infinite, referring to themselves) is not known before there is one.
    /// </summary>
    /// <param name="type">The type.</param>
    public bool CanSerialize(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return ProblemOf(type) is null;
    }

    /// <summary>Why a type cannot be written and read, naming the member that it is about; null when it can.</summary>
    internal string? ProblemOf(Type type) => PayloadCheck.ProblemOf(type, Options);
}
