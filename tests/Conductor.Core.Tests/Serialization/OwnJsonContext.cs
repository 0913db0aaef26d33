using System.Text.Json.Serialization;

namespace Conductor.Tests.Serialization;

[JsonSerializable(typeof(Optionals))]
[JsonSerializable(typeof(Registered))]
internal sealed partial class OwnJsonContext : JsonSerializerContext;
