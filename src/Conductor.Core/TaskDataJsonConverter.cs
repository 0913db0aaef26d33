using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>
/// Writes a <see cref="TaskData"/> as the JSON of its value, and reads any JSON back. (JSON that was handed over as such is the one member
/// <c>$conductor.json</c> of an object: its names are as they came.) Thread-safe.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class TaskDataJsonConverter : JsonConverter<TaskData>
{
    /// <inheritdoc />
    public override bool HandleNull => true;

    /// <inheritdoc />
    public override bool CanConvert(Type typeToConvert) => typeof(TaskData).IsAssignableFrom(typeToConvert);

    /// <inheritdoc />
    public override TaskData Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return TaskData.Empty;
        }

        return TaskData.JsonTaskData.Read(JsonElement.ParseValue(ref reader), options);
    }

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, TaskData value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        (value ?? TaskData.Empty).Write(writer, options);
    }
}
