using System.Text.Json.Serialization;

namespace Conductor.Messaging;

/// <summary>What a message is. Its wire names are snake_case.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<MessageType>))]
public enum MessageType
{
    /// <summary>A task for an agent.</summary>
    TaskAssignment,

    /// <summary>What became of a task.</summary>
    TaskResult,

    /// <summary>An agent's status or progress.</summary>
    StatusUpdate,

    /// <summary>An error for human attention.</summary>
    Error,

    /// <summary>Findings that are sent back.</summary>
    Feedback,

    /// <summary>A command, or data of the user's own.</summary>
    Control,
}
