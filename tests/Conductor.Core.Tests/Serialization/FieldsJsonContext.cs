using System.Text.Json.Serialization;

namespace Conductor.Tests.Serialization;

[JsonSourceGenerationOptions(IncludeFields = true)]
[JsonSerializable(typeof(PublicFields))]
[JsonSerializable(typeof(IncludedFields))]
[JsonSerializable(typeof((int, string)))]
internal sealed partial class FieldsJsonContext : JsonSerializerContext;
