using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>The order in which waiting tasks get an agent. Its wire names are snake_case.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<TaskPriority>))]
public enum TaskPriority
{
    /// <summary>After everything else; ageing keeps it from starving.</summary>
    Low,

    /// <summary>The default.</summary>
    Medium,

    /// <summary>Before medium.</summary>
    High,

    /// <summary>Before everything else.</summary>
    Critical,
}
