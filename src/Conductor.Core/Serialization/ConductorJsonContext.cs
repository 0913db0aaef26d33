using System.Text.Json.Serialization;
using Conductor.Messaging;
using Conductor.State;

namespace Conductor.Serialization;

/// <summary>
/// Knows every record that is stored or sent, without reflection. Metadata only: the generated fast path would write a
/// <see cref="TaskData"/> by this context's own options, which do not know the user's types. Members that may be null say themselves that null is
/// left out: by an option it would be left out of the user's types too, where null may not be the default.
/// </summary>
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AgentIdentity))]
[JsonSerializable(typeof(AgentState))]
[JsonSerializable(typeof(TaskDefinition))]
[JsonSerializable(typeof(TaskResult))]
[JsonSerializable(typeof(TaskError))]
[JsonSerializable(typeof(TaskData))]
[JsonSerializable(typeof(Feedback))]
[JsonSerializable(typeof(ErrorRecord))]
[JsonSerializable(typeof(WorkflowDefinition))]
[JsonSerializable(typeof(WorkflowState))]
[JsonSerializable(typeof(WorkflowSummary))]
[JsonSerializable(typeof(WorkflowEvent))]
[JsonSerializable(typeof(WorkflowEvent[]))]
[JsonSerializable(typeof(TaskRedelivery))]
[JsonSerializable(typeof(PhaseRecord))]
[JsonSerializable(typeof(FeedbackRound))]
[JsonSerializable(typeof(WorkflowLogEntry))]
[JsonSerializable(typeof(AgentMessage))]
[JsonSerializable(typeof(MessagePayload))]
[JsonSerializable(typeof(Lease))]
[JsonSerializable(typeof(AgentType))]
[JsonSerializable(typeof(WorkflowPhase))]
[JsonSerializable(typeof(AgentStatus))]
[JsonSerializable(typeof(AgentTaskStatus))]
[JsonSerializable(typeof(WorkflowStatus))]
[JsonSerializable(typeof(TaskPriority))]
[JsonSerializable(typeof(MessageType))]
[JsonSerializable(typeof(FeedbackSeverity))]
[JsonSerializable(typeof(ErrorAction))]
[JsonSerializable(typeof(CircuitBreakerState))]
[JsonSerializable(typeof(Dictionary<AgentType, string>))]
[JsonSerializable(typeof(Dictionary<WorkflowPhase, string>))]
internal sealed partial class ConductorJsonContext : JsonSerializerContext;
