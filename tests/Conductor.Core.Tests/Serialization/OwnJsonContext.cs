using System.Text.Json.Serialization;

namespace Conductor.Tests.Serialization;

[JsonSerializable(typeof(Initialized))]
[JsonSerializable(typeof(InitializedAlone))]
[JsonSerializable(typeof(Optionals))]
[JsonSerializable(typeof(Registered))]
internal sealed partial class OwnJsonContext : JsonSerializerContext;
