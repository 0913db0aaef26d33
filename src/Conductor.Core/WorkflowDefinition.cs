using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>
/// A workflow as data: phases in order and the tasks in them. Name and version identify it; it is stored with each run. Immutable; build
/// it as a record or with <see cref="Create"/>.
/// </summary>
public sealed record WorkflowDefinition : ExtensibleRecord
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its version; change it when the tasks change. Default: "1".</summary>
    public string Version { get; init; } = "1";

    /// <summary>What it is for, for people.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Description { get; init; }

    /// <summary>The phases in order. Default: development, devops, monitoring.</summary>
    public IReadOnlyList<WorkflowPhase> Phases { get; init => field = Snapshot.Of(value); } = Snapshot.Of(WorkflowPhase.Default);

    /// <summary>The tasks, in the order in which equals are started.</summary>
    public IReadOnlyList<TaskDefinition> Tasks { get; init => field = Snapshot.Of(value); } = Snapshot.None<TaskDefinition>();

    /// <summary>
    /// Its feedback loop. Default: null, monitoring sends back to development as often as the engine's setting allows, where it has both
    /// phases.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FeedbackRule? Feedback { get; init; }

    /// <summary>The time the whole run may take. Default: null, no limit.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? Timeout { get; init; }

    /// <summary>When it was made, if said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>The user's own notes.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init => field = Snapshot.Of(value); } = Snapshot.EmptyMap;

    /// <summary>Starts a definition in the fluent form.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="version">Its version.</param>
    public static WorkflowDefinitionBuilder Create(string name, string version = "1") => new(name, version);
}
