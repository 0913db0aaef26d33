namespace Conductor;

/// <summary>The fluent form of a <see cref="WorkflowDefinition"/>. Not thread-safe.</summary>
public sealed class WorkflowDefinitionBuilder
{
    private readonly string _name;
    private readonly string _version;
    private readonly List<WorkflowPhase> _phases = [];
    private readonly List<TaskBuilder> _tasks = [];
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private string? _description;
    private FeedbackRule? _feedback;
    private TimeSpan? _timeout;

    internal WorkflowDefinitionBuilder(string name, string version)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentException.ThrowIfNullOrWhiteSpace(version);
        _name = name;
        _version = version;
    }

    /// <summary>Says what the workflow is for.</summary>
    /// <param name="description">For people.</param>
    public WorkflowDefinitionBuilder Description(string description)
    {
        _description = description;
        return this;
    }

    /// <summary>Adds a phase after those added before, or more tasks to one of them.</summary>
    /// <param name="phase">The phase.</param>
    /// <param name="tasks">Adds its tasks.</param>
    /// <exception cref="ArgumentException">The phase is nameless.</exception>
    public WorkflowDefinitionBuilder Phase(WorkflowPhase phase, Action<PhaseBuilder> tasks)
    {
        phase.ThrowIfNameless(nameof(phase));
        ArgumentNullException.ThrowIfNull(tasks);
        if (!_phases.Contains(phase))
        {
            _phases.Add(phase);
        }

        tasks(new PhaseBuilder(phase, _tasks));
        return this;
    }

    /// <summary>Sets the feedback loop.</summary>
    /// <param name="from">The phase whose feedback counts.</param>
    /// <param name="to">The phase it sends the workflow back to.</param>
    /// <param name="maxRounds">How often at most. Default: the engine's setting (3).</param>
    /// <param name="minSeverity">The least severity that sends it back. Default: the engine's setting (error).</param>
    /// <param name="atLimit">What happens at the limit. Default: the engine's setting (fail).</param>
    /// <exception cref="ArgumentException">One of the phases is nameless.</exception>
    /// <exception cref="InvalidOperationException">There is one already: a workflow has one feedback loop.</exception>
    public WorkflowDefinitionBuilder Feedback(
        WorkflowPhase from,
        WorkflowPhase to,
        int? maxRounds = null,
        FeedbackSeverity? minSeverity = null,
        FeedbackLimitAction? atLimit = null)
    {
        from.ThrowIfNameless(nameof(from));
        to.ThrowIfNameless(nameof(to));
        if (_feedback is { } other)
        {
            throw new InvalidOperationException(
                $"The workflow has a feedback loop already, from '{other.From}' to '{other.To}', and can have one. Leave out the one from '{from}' to '{to}'.");
        }

        _feedback = new FeedbackRule { From = from, To = to, MaxRounds = maxRounds, MinSeverity = minSeverity, AtLimit = atLimit };
        return this;
    }

    /// <summary>Limits the time the whole run may take.</summary>
    /// <param name="timeout">Over zero.</param>
    public WorkflowDefinitionBuilder Timeout(TimeSpan timeout)
    {
        _timeout = timeout;
        return this;
    }

    /// <summary>Adds a note.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="value">Its text.</param>
    public WorkflowDefinitionBuilder Metadata(string key, string value)
    {
        _metadata[key] = value;
        return this;
    }

    /// <summary>The definition as a record; one to which no phase was added has the default ones. It is checked when it is started.</summary>
    public WorkflowDefinition Build() => new()
    {
        Name = _name,
        Version = _version,
        Description = _description,
        Phases = _phases.Count == 0 ? WorkflowPhase.Default : _phases,
        Tasks = [.. _tasks.Select(task => task.Build())],
        Feedback = _feedback,
        Timeout = _timeout,
        Metadata = _metadata,
    };
}
