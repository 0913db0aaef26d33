using System.Text.Json.Serialization;

namespace Conductor.Messaging;

/// <summary>What a message carries: one of the records of this room. Data of your own travels in a <see cref="DataPayload"/>. Immutable.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(TaskAssignment), "task_assignment")]
[JsonDerivedType(typeof(TaskResultPayload), "task_result")]
[JsonDerivedType(typeof(FeedbackPayload), "feedback")]
[JsonDerivedType(typeof(ErrorPayload), "error")]
[JsonDerivedType(typeof(StatusUpdate), "status_update")]
[JsonDerivedType(typeof(ControlPayload), "control")]
[JsonDerivedType(typeof(DataPayload), "data")]
public abstract record MessagePayload
{
    private protected MessagePayload()
    {
    }
}
