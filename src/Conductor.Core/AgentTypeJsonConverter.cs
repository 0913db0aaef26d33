using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>Writes an <see cref="AgentType"/> as its name, as a value and as a dictionary key; refuses one without a name, both ways. Thread-safe.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class AgentTypeJsonConverter : JsonConverter<AgentType>
{
    private const string NoName = "This AgentType has no name: empty text, null and default name none.";

    /// <inheritdoc />
    public override AgentType Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Parse(reader.GetString());

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, AgentType value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(NameOf(value));
    }

    /// <inheritdoc />
    public override AgentType ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString());

    /// <inheritdoc />
    public override void WriteAsPropertyName(Utf8JsonWriter writer, AgentType value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WritePropertyName(NameOf(value));
    }

    private static AgentType Parse(string? name) =>
        AgentType.TryParse(name, null, out var type) ? type
        : throw new JsonException(string.IsNullOrEmpty(name) ? NoName : $"'{name}' is no name for AgentType.");

    private static string NameOf(AgentType type) => type.IsEmpty ? throw new JsonException(NoName) : type.Name;
}
