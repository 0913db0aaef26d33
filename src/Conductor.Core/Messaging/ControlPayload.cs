namespace Conductor.Messaging;

/// <summary>A command. Immutable.</summary>
public sealed record ControlPayload : MessagePayload
{
    /// <summary>
    /// The command that tells those who follow a run that another process asked for it to be cancelled. Nobody has to handle it: its owner reads
    /// the request from the store, at the next renewal of its lease.
    /// </summary>
    public const string CancelWorkflow = "cancel_workflow";

    /// <summary>The command that tells watchers of a run to look at the store: something was committed.</summary>
    public const string WorkflowChanged = "workflow_changed";

    /// <summary>The command.</summary>
    public required string Command { get; init; }

    /// <summary>Its arguments.</summary>
    public IReadOnlyDictionary<string, string> Arguments { get; init => field = Snapshot.Of(value); } = Snapshot.EmptyMap;
}
