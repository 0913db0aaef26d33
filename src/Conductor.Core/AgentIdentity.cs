using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>Who an agent is. Immutable.</summary>
public sealed record AgentIdentity
{
    private readonly string? _name;

    /// <summary>
    /// Unique among the agents of all coordinators on one bus, and of all programs on one store. On a bus, whoever listens under an id gets the
    /// tasks that are given to it. In a store there is one <see cref="AgentState"/> for an id: of two agents it shows whichever was saved last, one
    /// that is unregistered deletes that of the other, and the runs they took part in name both alike.
    /// Tasks, results and runs are not touched by that.
    /// </summary>
    public required string Id { get; init; }

    /// <summary>The kind of task it takes.</summary>
    public required AgentType Type { get; init; }

    /// <summary>A name for people. Default: the id.</summary>
    public string Name
    {
        get => _name ?? Id;
        init => _name = value;
    }

    /// <summary>Equal when everything that it says is equal: a name that is the id says the same as none.</summary>
    /// <param name="other">The other.</param>
    public bool Equals(AgentIdentity? other) =>
        other is not null && Id == other.Id && Type == other.Type && Name == other.Name && Version == other.Version && Description == other.Description;

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Id, Type, Name, Version, Description);

    /// <summary>Whether a name was given: the id is none that is written down.</summary>
    internal bool HasName => _name is not null;

    /// <summary>The version of the agent's code, if it has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Version { get; init; }

    /// <summary>What it does, if said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Description { get; init; }
}
