using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>Writes a closed set as its snake_case wire name and refuses numbers. Thread-safe.</summary>
/// <typeparam name="TEnum">The closed set.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class SnakeCaseEnumConverter<TEnum>() : JsonStringEnumConverter<TEnum>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where TEnum : struct, Enum;
