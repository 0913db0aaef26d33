using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>Writes an <see cref="AgentType"/> as its name, as a value and as a dictionary key. Thread-safe.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class AgentTypeJsonConverter : JsonConverter<AgentType>
{
    /// <inheritdoc />
    public override AgentType Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Parse(reader.GetString());

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, AgentType value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value.Name);
    }

    /// <inheritdoc />
    public override AgentType ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString());

    /// <inheritdoc />
    public override void WriteAsPropertyName(Utf8JsonWriter writer, AgentType value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WritePropertyName(value.Name);
    }

    private static AgentType Parse(string? name) =>
        string.IsNullOrEmpty(name) ? default
        : AgentType.TryParse(name, null, out var type) ? type
        : throw new JsonException($"'{name}' is no name for AgentType.");
}
