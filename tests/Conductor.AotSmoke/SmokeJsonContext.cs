using System.Text.Json.Serialization;

namespace Conductor.AotSmoke;

/// <summary>Knows the program's own types without reflection.</summary>
[JsonSerializable(typeof(Draft))]
[JsonSerializable(typeof(Loose))]
[JsonSerializable(typeof((int, string)))]
[JsonSerializable(typeof(Page))]
internal sealed partial class SmokeJsonContext : JsonSerializerContext;
