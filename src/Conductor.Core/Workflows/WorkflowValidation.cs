using Conductor.Coordination;
using Conductor.Errors;

namespace Conductor.Workflows;

/// <summary>What a definition must be before anything of it runs. One error names everything that is wrong.</summary>
internal static class WorkflowValidation
{
    /// <summary>Refuses a definition that cannot be run.</summary>
    /// <param name="definition">The definition.</param>
    /// <param name="errors">The error handler into whose settings those of tasks are merged; null where it is not about to be started.</param>
    public static void ThrowIfInvalid(WorkflowDefinition definition, ErrorHandler? errors)
    {
        ArgumentNullException.ThrowIfNull(definition);
        var circles = new List<string>();
        var problems = new List<string>();
        problems.AddRange(OfDefinition(definition));
        problems.AddRange(OfTasks(definition, errors));
        problems.AddRange(OfDependencies(definition, circles));
        problems.AddRange(circles);
        if (problems.Count > 0)
        {
            var code = circles.Count > 0 ? ErrorCodes.CircularDependency : ErrorCodes.TaskValidationFailed;
            throw new WorkflowValidationException(definition.Name, code, problems);
        }
    }

    /// <summary>Refuses a definition, valid otherwise, whose tasks have retry settings that do not fit the settings of an error handler.</summary>
    public static void ThrowIfRetriesDoNotFit(WorkflowDefinition definition, TaskDefinition[] retried, ErrorHandler? errors)
    {
        if (errors is null || retried.Length == 0)
        {
            return;
        }

        var problems = retried.SelectMany(
            task => TaskValidation.RetryProblems(task, errors), static (task, problem) => $"Task '{task.Id}': {problem}").ToList();
        if (problems.Count > 0)
        {
            throw new WorkflowValidationException(definition.Name, ErrorCodes.TaskValidationFailed, problems);
        }
    }

    private static IEnumerable<string> OfDefinition(WorkflowDefinition definition)
    {
        if (string.IsNullOrWhiteSpace(definition.Name))
        {
            yield return "The definition has no name.";
        }
        else if (IdText.ProblemOf(definition.Name) is { } problem)
        {
            yield return $"The definition's name {problem}";
        }

        if (string.IsNullOrWhiteSpace(definition.Version))
        {
            yield return "The definition has no version.";
        }
        else if (IdText.ProblemOf(definition.Version) is { } problem)
        {
            yield return $"The definition's version {problem}";
        }

        if (definition.Timeout <= TimeSpan.Zero)
        {
            yield return $"The timeout is {definition.Timeout}; set it over zero, or leave it out for no limit.";
        }

        if (definition.Phases.Any(static phase => phase.IsEmpty))
        {
            yield return "A phase is nameless.";
        }

        foreach (var twice in definition.Phases.GroupBy(static phase => phase).Where(static group => group.Count() > 1))
        {
            yield return $"Phase '{twice.Key}' is listed {twice.Count()} times.";
        }

        if (definition.Feedback is { } rule)
        {
            var phases = definition.Phases.ToList();
            var (from, to) = (phases.IndexOf(rule.From), phases.IndexOf(rule.To));
            if (from < 0 || to < 0)
            {
                yield return $"The feedback rule goes from '{rule.From}' to '{rule.To}', which are not both listed phases.";
            }
            else if (to > from)
            {
                yield return $"The feedback rule goes from '{rule.From}' forward to '{rule.To}'; it can only go back.";
            }

            if (rule.MaxRounds < 0)
            {
                yield return FormattableString.Invariant($"The feedback rule allows {rule.MaxRounds} rounds; set it to 0 (off) or more.");
            }

            foreach (var problem in SettingProblems.OfEnum("The feedback rule's MinSeverity", rule.MinSeverity ?? FeedbackSeverity.Error)
                .Concat(SettingProblems.OfEnum("The feedback rule's AtLimit", rule.AtLimit ?? FeedbackLimitAction.Fail)))
            {
                yield return problem;
            }
        }
    }

    private static IEnumerable<string> OfTasks(WorkflowDefinition definition, ErrorHandler? errors)
    {
        var phases = definition.Phases.ToHashSet();
        for (var i = 0; i < definition.Tasks.Count; i++)
        {
            if (definition.Tasks[i] is null)
            {
                yield return $"Task {i + 1} is null; leave it out.";
            }
        }

        foreach (var twice in NamedTasks(definition).GroupBy(static task => task.Id, StringComparer.Ordinal).Where(static group => group.Count() > 1))
        {
            yield return $"Task id '{twice.Key}' is used {twice.Count()} times.";
        }

        foreach (var task in Tasks(definition))
        {
            if (task.AgentType.IsEmpty)
            {
                yield return $"Task '{task.Id}' names no agent type.";
            }
            else if (WorkflowPhase.Of(task) is not { } phase)
            {
                yield return $"Task '{task.Id}' of type '{task.AgentType}' names no phase, and its type has none by default: set TaskDefinition.Phase.";
            }
            else if (!phases.Contains(phase))
            {
                yield return $"Task '{task.Id}' belongs to phase '{phase}', which is not listed: no listed phase takes it.";
            }

            foreach (var problem in TaskValidation.Problems(task, errors))
            {
                yield return $"Task '{task.Id}': {problem}";
            }
        }
    }

    private static List<string> OfDependencies(WorkflowDefinition definition, List<string> circles)
    {
        var tasks = new Dictionary<string, TaskDefinition>(StringComparer.Ordinal);
        foreach (var task in NamedTasks(definition))
        {
            tasks.TryAdd(task.Id, task);
        }

        var order = definition.Phases.Select(static (phase, index) => (phase, index)).GroupBy(static pair => pair.phase)
            .ToDictionary(static group => group.Key, static group => group.First().index);
        var problems = new List<string>();
        foreach (var task in Tasks(definition))
        {
            foreach (var id in DependenciesOf(task))
            {
                if (!tasks.TryGetValue(id, out var dependency))
                {
                    problems.Add($"Task '{task.Id}' depends on '{id}', which does not exist.");
                }
                else if (PhaseNumber(task) is { } own && PhaseNumber(dependency) is { } other && other > own)
                {
                    problems.Add($"Task '{task.Id}' depends on '{id}', which belongs to a later phase.");
                }
            }
        }

        circles.AddRange(FindCircles(tasks));
        return problems;

        int? PhaseNumber(TaskDefinition task) =>
            WorkflowPhase.Of(task) is { } phase && order.TryGetValue(phase, out var number) ? number : null;
    }

    /// <summary>The tasks, without those that are null where the compiler did not look.</summary>
    private static IEnumerable<TaskDefinition> Tasks(WorkflowDefinition definition) => definition.Tasks.Where(static task => task is not null);

    /// <summary>The tasks that another could name.</summary>
    private static IEnumerable<TaskDefinition> NamedTasks(WorkflowDefinition definition) => Tasks(definition).Where(static task => !task.LazyId.IsBlank);

    private static IEnumerable<string> DependenciesOf(TaskDefinition task) => task.DependsOn.Where(static id => !string.IsNullOrEmpty(id));

    /// <summary>Takes away what depends on nothing left (A. Kahn, 1962); what stays is in a circle or behind one.</summary>
    private static IEnumerable<string> FindCircles(Dictionary<string, TaskDefinition> tasks)
    {
        var open = tasks.Values.ToDictionary(
            static task => task.Id, task => DependenciesOf(task).Where(tasks.ContainsKey).ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal);
        var dependents = open.SelectMany(static entry => entry.Value.Select(dependency => (dependency, entry.Key)))
            .ToLookup(static pair => pair.dependency, static pair => pair.Key);
        var free = new Queue<string>(open.Where(static entry => entry.Value.Count == 0).Select(static entry => entry.Key));
        while (free.TryDequeue(out var id))
        {
            open.Remove(id);
            foreach (var dependent in dependents[id])
            {
                if (open[dependent].Remove(id) && open[dependent].Count == 0)
                {
                    free.Enqueue(dependent);
                }
            }
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var start in open.Keys)
        {
            var path = new List<string>();
            var current = start;
            while (seen.Add(current))
            {
                path.Add(current);
                current = open[current].First();
            }

            if (path.IndexOf(current) is var begin and >= 0)
            {
                yield return $"Tasks depend on each other in a circle: {string.Join(" → ", path.Skip(begin).Append(current))}.";
            }
        }
    }
}
