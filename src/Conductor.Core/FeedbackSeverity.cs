using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>How grave a finding is. Its wire names are snake_case.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<FeedbackSeverity>))]
public enum FeedbackSeverity
{
    /// <summary>Good to know.</summary>
    Info,

    /// <summary>Worth a look; below the default threshold of the feedback loop.</summary>
    Warning,

    /// <summary>Sends the workflow back by default.</summary>
    Error,

    /// <summary>Sends the workflow back.</summary>
    Critical,
}
