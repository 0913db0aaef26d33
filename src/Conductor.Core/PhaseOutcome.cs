using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>How a passage through a phase ended. Its wire names are snake_case.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<PhaseOutcome>))]
public enum PhaseOutcome
{
    /// <summary>Not ended.</summary>
    Running,

    /// <summary>Its gate let it pass.</summary>
    Passed,

    /// <summary>Its gate did not.</summary>
    Failed,

    /// <summary>It passed, and its feedback sent the workflow back.</summary>
    SentBack,

    /// <summary>The run was cancelled or ran out of time in it.</summary>
    Cancelled,
}
