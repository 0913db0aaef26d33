using System.Text.Json.Serialization;

namespace Conductor.Tests.Serialization;

internal sealed class Registered
{
    [JsonPropertyName("own_name")]
    public int Value { get; set; }
}
