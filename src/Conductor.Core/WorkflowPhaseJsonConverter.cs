using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>Writes a <see cref="WorkflowPhase"/> as its name, as a value and as a dictionary key; refuses one without a name, both ways. Thread-safe.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class WorkflowPhaseJsonConverter : JsonConverter<WorkflowPhase>
{
    private const string NoName = "This WorkflowPhase has no name: empty text, null and default name none.";

    /// <inheritdoc />
    public override WorkflowPhase Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString());

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, WorkflowPhase value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(NameOf(value));
    }

    /// <inheritdoc />
    public override WorkflowPhase ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString());

    /// <inheritdoc />
    public override void WriteAsPropertyName(Utf8JsonWriter writer, WorkflowPhase value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WritePropertyName(NameOf(value));
    }

    private static WorkflowPhase Parse(string? name) =>
        WorkflowPhase.TryParse(name, null, out var phase) ? phase
        : throw new JsonException(string.IsNullOrEmpty(name) ? NoName : $"'{name}' is no name for WorkflowPhase.");

    private static string NameOf(WorkflowPhase phase) => phase.IsEmpty ? throw new JsonException(NoName) : phase.Name;
}
