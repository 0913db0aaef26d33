using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>
/// A stage of a workflow: an open set around a name, with the three well-known phases as members. Your own are as good:
/// <c>new WorkflowPhase("translation")</c>.
/// </summary>
/// <remarks>
/// Names are lower-cased when built and compared ordinally. <c>default</c> is nameless, hashes safely and is refused at every boundary.
/// Immutable and thread-safe.
/// </remarks>
[JsonConverter(typeof(WorkflowPhaseJsonConverter))]
[TypeConverter(typeof(WorkflowPhaseConverter))]
public readonly struct WorkflowPhase : IEquatable<WorkflowPhase>, IParsable<WorkflowPhase>
{
    private readonly string? _name;

    /// <summary>Makes a phase from a name.</summary>
    /// <param name="name">One to 128 letters, digits, <c>_</c>, <c>-</c> or <c>.</c>; upper case is lowered.</param>
    /// <exception cref="ArgumentException">The name is empty, too long or has another character.</exception>
    public WorkflowPhase(string name) => _name = WireName.Normalize(name, nameof(WorkflowPhase));

    /// <summary>Coding, review, test data and test.</summary>
    public static WorkflowPhase Development { get; } = new("development");

    /// <summary>Packing and deploying.</summary>
    public static WorkflowPhase DevOps { get; } = new("devops");

    /// <summary>Watching what was deployed.</summary>
    public static WorkflowPhase Monitoring { get; } = new("monitoring");

    /// <summary>The three well-known phases in their order: what a workflow has when it lists none.</summary>
    public static IReadOnlyList<WorkflowPhase> Default { get; } = [Development, DevOps, Monitoring];

    /// <summary>The name; empty for <c>default</c>.</summary>
    public string Name => _name ?? string.Empty;

    /// <summary>True for <c>default</c>, which names no phase.</summary>
    public bool IsEmpty => _name is null;

    /// <summary>The phase that takes a task of this type when the task names none: one of the three for the well-known types, none for others.</summary>
    /// <param name="type">The agent type.</param>
    public static WorkflowPhase? For(AgentType type) => type.Name switch
    {
        "coding" or "review" or "test_data" or "test" => Development,
        "devops" or "deploying" => DevOps,
        "monitor" => Monitoring,
        _ => null,
    };

    /// <summary>Whether two phases have one name.</summary>
    /// <param name="left">One phase.</param>
    /// <param name="right">The other phase.</param>
    public static bool operator ==(WorkflowPhase left, WorkflowPhase right) => left.Equals(right);

    /// <summary>Whether two phases have different names.</summary>
    /// <param name="left">One phase.</param>
    /// <param name="right">The other phase.</param>
    public static bool operator !=(WorkflowPhase left, WorkflowPhase right) => !left.Equals(right);

    /// <inheritdoc />
    public static WorkflowPhase Parse(string s, IFormatProvider? provider) => new(s);

    /// <inheritdoc />
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out WorkflowPhase result)
    {
        var valid = WireName.IsValid(s);
        result = valid ? new WorkflowPhase(s!) : default;
        return valid;
    }

    /// <inheritdoc />
    public bool Equals(WorkflowPhase other) => string.Equals(_name, other._name, StringComparison.Ordinal);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is WorkflowPhase other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => _name is null ? 0 : _name.GetHashCode(StringComparison.Ordinal);

    /// <summary>The name; empty for <c>default</c>.</summary>
    public override string ToString() => Name;

    /// <summary>The phase that a task of a workflow names, or the one of its agent type.</summary>
    internal static WorkflowPhase? Of(TaskDefinition task) => task.Phase ?? For(task.AgentType);

    /// <summary>Refuses <c>default</c> where a phase is meant.</summary>
    internal void ThrowIfNameless(string parameterName)
    {
        if (IsEmpty)
        {
            throw new ArgumentException("The phase is nameless. Name one: WorkflowPhase.Development, or new WorkflowPhase(\"…\").", parameterName);
        }
    }
}
