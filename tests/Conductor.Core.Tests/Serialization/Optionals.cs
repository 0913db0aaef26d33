using System.Text.Json.Serialization;

namespace Conductor.Tests.Serialization;

/// <summary>A user's type to which null is a value like any other, but where it says so itself.</summary>
internal sealed class Optionals
{
    public string? Title { get; set; } = "untitled";

    public int? Number { get; set; } = 5;

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Hidden { get; set; }
}
