using System.Text.Json.Serialization;

namespace Conductor.Tests.Serialization;

/// <summary>Fields that JSON is told not to leave out.</summary>
internal sealed class IncludedFields
{
    [JsonInclude]
    public int N;
}
