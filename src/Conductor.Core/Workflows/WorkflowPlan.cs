using System.Runtime.CompilerServices;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.State;

namespace Conductor.Workflows;

/// <summary>
/// A definition made ready to run: tasks by number, their phases, what each waits for and what waits for it. Made once for a definition.
/// Immutable and thread-safe.
/// </summary>
internal sealed class WorkflowPlan
{
    private static readonly ConditionalWeakTable<WorkflowDefinition, WorkflowPlan> _known = [];

    private readonly TaskNumbers _numbers;
    private readonly TaskDefinition[] _retried;
    private readonly string[] _phaseChannels;

    private WorkflowPlan(WorkflowDefinition definition)
    {
        Definition = definition;
        _numbers = TaskNumbers.Of(definition);
        _retried = [.. definition.Tasks.Where(static task => task.Retry is not null)];
        _phaseChannels = [.. definition.Phases.Select(Channels.Phase)];
        var phaseIndex = definition.Phases.Select(static (phase, index) => (phase, index)).ToDictionary(static pair => pair.phase, static pair => pair.index);
        PhaseOf = [.. definition.Tasks.Select(task => phaseIndex[WorkflowPhase.Of(task)!.Value])];
        Dependencies = [.. definition.Tasks.Select(task => task.DependsOn.Distinct(StringComparer.Ordinal).Select(NumberOf).ToArray())];
        var dependents = definition.Tasks.Select(static _ => new List<int>()).ToArray();
        for (var i = 0; i < Dependencies.Length; i++)
        {
            foreach (var dependency in Dependencies[i])
            {
                dependents[dependency].Add(i);
            }
        }

        Dependents = [.. dependents.Select(static list => list.ToArray())];
        var byPhase = definition.Phases.Select(static _ => new List<int>()).ToArray();
        for (var i = 0; i < PhaseOf.Length; i++)
        {
            byPhase[PhaseOf[i]].Add(i);
        }

        TasksOf = [.. byPhase.Select(static list => list.ToArray())];
        var types = definition.Tasks.Select(static task => task.AgentType).Distinct().ToList();
        AgentTypeCount = types.Count;
        var numbers = types.Select(static (type, number) => (type, number)).ToDictionary(static pair => pair.type, static pair => pair.number);
        AgentTypeOf = [.. definition.Tasks.Select(task => numbers[task.AgentType])];
        RankedTasksOf = [.. Enumerable.Range(0, TaskCount).GroupBy(index => AgentTypeOf[index]).OrderBy(static type => type.Key)
            .Select(type => type.OrderByDescending(index => definition.Tasks[index].Priority).ToArray())];
        RankOf = new int[TaskCount];
        foreach (var tasks in RankedTasksOf)
        {
            for (var rank = 0; rank < tasks.Length; rank++)
            {
                RankOf[tasks[rank]] = rank;
            }
        }

        Hash = DefinitionHash.Of(definition);
        Title = $"{definition.Name} {definition.Version}";
    }

    public WorkflowDefinition Definition { get; }

    /// <summary>A hash of the definition's structure.</summary>
    public string Hash { get; }

    /// <summary>Name and version, for people.</summary>
    public string Title { get; }

    /// <summary>The phase of each task, by number.</summary>
    public int[] PhaseOf { get; }

    /// <summary>The tasks of each phase, by number.</summary>
    public int[][] TasksOf { get; }

    /// <summary>The agent type of each task, by number.</summary>
    public int[] AgentTypeOf { get; }

    /// <summary>The place of each task among those of its agent type: critical first, in the definition's order within a priority.</summary>
    public int[] RankOf { get; }

    /// <summary>The tasks of each agent type, by rank.</summary>
    public int[][] RankedTasksOf { get; }

    /// <summary>What each task waits for.</summary>
    public int[][] Dependencies { get; }

    /// <summary>What waits for each task.</summary>
    public int[][] Dependents { get; }

    public int TaskCount => Definition.Tasks.Count;

    public int AgentTypeCount { get; }

    public int PhaseCount => Definition.Phases.Count;

    /// <summary>The plan of a definition.</summary>
    /// <param name="definition">The definition.</param>
    /// <param name="errors">The error handler into whose settings those of tasks are merged; null where it is not about to be started.</param>
    /// <exception cref="WorkflowValidationException">The definition is not valid; the exception names everything that is wrong with it.</exception>
    public static WorkflowPlan Of(WorkflowDefinition definition, ErrorHandler? errors = null)
    {
        if (_known.TryGetValue(definition, out var known))
        {
            // Known as valid, but perhaps to another engine: only what is merged can be wrong in this one.
            WorkflowValidation.ThrowIfRetriesDoNotFit(definition, known._retried, errors);
            return known;
        }

        WorkflowValidation.ThrowIfInvalid(definition, errors);
        return _known.GetValue(definition, static valid => new WorkflowPlan(valid));
    }

    public TaskDefinition Task(int index) => Definition.Tasks[index];

    public WorkflowPhase Phase(int index) => Definition.Phases[index];

    /// <summary>The channel on which a phase is followed, by its number.</summary>
    public string PhaseChannel(int index) => _phaseChannels[index];

    public int PhaseIndex(WorkflowPhase phase)
    {
        for (var i = 0; i < PhaseCount; i++)
        {
            if (Phase(i) == phase)
            {
                return i;
            }
        }

        return -1;
    }

    public bool TryIndex(string taskId, out int index) => _numbers.TryFind(taskId, out index);

    private int NumberOf(string taskId) => _numbers.TryFind(taskId, out var number) ? number : throw new KeyNotFoundException($"There is no task '{taskId}'.");
}
