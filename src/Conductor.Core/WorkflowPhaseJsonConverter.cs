using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>Writes a <see cref="WorkflowPhase"/> as its name, as a value and as a dictionary key. Thread-safe.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class WorkflowPhaseJsonConverter : JsonConverter<WorkflowPhase>
{
    /// <inheritdoc />
    public override WorkflowPhase Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString());

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, WorkflowPhase value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value.Name);
    }

    /// <inheritdoc />
    public override WorkflowPhase ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString());

    /// <inheritdoc />
    public override void WriteAsPropertyName(Utf8JsonWriter writer, WorkflowPhase value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WritePropertyName(value.Name);
    }

    private static WorkflowPhase Parse(string? name) =>
        string.IsNullOrEmpty(name) ? default
        : WorkflowPhase.TryParse(name, null, out var phase) ? phase
        : throw new JsonException($"'{name}' is no name for WorkflowPhase.");
}
