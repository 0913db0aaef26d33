using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>What happens when feedback still comes after the last round. Its wire names are snake_case.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<FeedbackLimitAction>))]
public enum FeedbackLimitAction
{
    /// <summary>The workflow fails with MAX_FEEDBACK_LOOPS.</summary>
    Fail,

    /// <summary>The workflow goes on, with a warning in its error log.</summary>
    Continue,
}
