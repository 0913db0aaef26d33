using System.Text.Json.Serialization;

namespace Conductor.Tests.Serialization;

[JsonSerializable(typeof(Registered))]
internal sealed partial class OwnJsonContext : JsonSerializerContext;
