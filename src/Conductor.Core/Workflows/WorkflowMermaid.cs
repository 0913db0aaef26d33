using System.Collections.Frozen;
using System.Text;

namespace Conductor.Workflows;

/// <summary>Draws workflows as Mermaid flowcharts (https://mermaid.js.org), which GitHub and many editors show as pictures.</summary>
public static class WorkflowMermaid
{
    private static readonly (AgentTaskStatus Status, string Style)[] _styles =
    [
        (AgentTaskStatus.Pending, "fill:#f4f4f5,stroke:#a1a1aa,color:#18181b"),
        (AgentTaskStatus.InProgress, "fill:#dbeafe,stroke:#2563eb,color:#1e3a8a"),
        (AgentTaskStatus.Completed, "fill:#dcfce7,stroke:#16a34a,color:#14532d"),
        (AgentTaskStatus.Failed, "fill:#fee2e2,stroke:#dc2626,color:#7f1d1d"),
        (AgentTaskStatus.Cancelled, "fill:#e4e4e7,stroke:#52525b,color:#27272a"),
        (AgentTaskStatus.Blocked, "fill:#ffedd5,stroke:#ea580c,color:#7c2d12"),
        (AgentTaskStatus.Skipped, "fill:#fef9c3,stroke:#ca8a04,color:#713f12"),
    ];

    /// <summary>
    /// The definition as a flowchart: a box for each phase, an arrow for each dependency, a dotted one for the feedback loop that the definition
    /// sets. (The engine's usual one, where it sets none, is not drawn.)
    /// </summary>
    /// <param name="definition">The definition.</param>
    /// <exception cref="WorkflowValidationException">The definition is not valid.</exception>
    public static string ToMermaid(this WorkflowDefinition definition) => Draw(definition, state: null, underWay: FrozenSet<string>.Empty);

    /// <summary>
    /// A run of the definition as a flowchart, coloured by status; with the feedback rounds it went through, as far as the definition has their
    /// phases.
    /// </summary>
    /// <param name="definition">The definition.</param>
    /// <param name="state">The run's state. It does not say which tasks are under way: see <see cref="WorkflowRun.ToMermaidAsync"/>.</param>
    /// <exception cref="WorkflowValidationException">The definition is not valid.</exception>
    public static string ToMermaid(this WorkflowDefinition definition, WorkflowState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return Draw(definition, state, underWay: FrozenSet<string>.Empty);
    }

    internal static string Draw(WorkflowDefinition definition, WorkflowState? state, IReadOnlySet<string> underWay)
    {
        ArgumentNullException.ThrowIfNull(definition);
        var plan = WorkflowPlan.Of(definition);
        var text = new StringBuilder("flowchart LR\n");
        for (var phase = 0; phase < plan.PhaseCount; phase++)
        {
            text.Append($"  subgraph p{phase}[\"{Escape(plan.Phase(phase).Name)}\"]\n");
            foreach (var index in plan.TasksOf[phase])
            {
                text.Append($"    t{index}[\"{Label(plan.Task(index), state)}\"]\n");
            }

            text.Append("  end\n");
            if (phase > 0)
            {
                text.Append($"  p{phase - 1} ==> p{phase}\n");
            }
        }

        for (var index = 0; index < plan.TaskCount; index++)
        {
            foreach (var dependency in plan.Dependencies[index])
            {
                text.Append($"  t{dependency} --> t{index}\n");
            }
        }

        DrawFeedback(text, plan, state);
        DrawColours(text, plan, state, underWay);
        return text.ToString();
    }

    private static void DrawFeedback(StringBuilder text, WorkflowPlan plan, WorkflowState? state)
    {
        if (state is { FeedbackRounds.Count: > 0 })
        {
            // One that was migrated may have gone round in phases that this definition lacks: there is nothing to draw them between.
            foreach (var way in state.FeedbackRounds.GroupBy(
                round => (From: plan.PhaseIndex(round.From), To: plan.PhaseIndex(round.To))).Where(static way => way.Key is { From: >= 0, To: >= 0 }))
            {
                text.Append($"  p{way.Key.From} -. \"feedback: {way.Count()} round(s)\" .-> p{way.Key.To}\n");
            }
        }
        else if (plan.Definition.Feedback is { } rule)
        {
            text.Append($"  p{plan.PhaseIndex(rule.From)} -. feedback .-> p{plan.PhaseIndex(rule.To)}\n");
        }
    }

    private static void DrawColours(StringBuilder text, WorkflowPlan plan, WorkflowState? state, IReadOnlySet<string> underWay)
    {
        if (state is null)
        {
            return;
        }

        foreach (var (status, style) in _styles)
        {
            var tasks = Enumerable.Range(0, plan.TaskCount).Where(index => StatusOf(plan.Task(index), state, underWay) == status)
                .Select(static index => $"t{index}").ToList();
            if (tasks.Count > 0)
            {
                text.Append($"  classDef {status} {style}\n  class {string.Join(',', tasks)} {status}\n");
            }
        }
    }

    private static string Label(TaskDefinition task, WorkflowState? state)
    {
        var label = task.Name == task.AgentType.Name ? Escape(task.Name) : $"{Escape(task.Name)}<br/>{Escape(task.AgentType.Name)}";
        if (state?.TaskResults.GetValueOrDefault(task.Id) is not { } result)
        {
            return label;
        }

        var notes = new List<string>();
        if (result.Attempts > 1)
        {
            notes.Add($"{result.Attempts} attempts");
        }

        if (result.Round > 0)
        {
            notes.Add($"round {result.Round}");
        }

        return notes.Count == 0 ? label : $"{label}<br/>{string.Join(", ", notes)}";
    }

    private static AgentTaskStatus StatusOf(TaskDefinition task, WorkflowState state, IReadOnlySet<string> underWay) =>
        underWay.Contains(task.Id) ? AgentTaskStatus.InProgress
        : state.TaskResults.TryGetValue(task.Id, out var result) ? result.Status
        : AgentTaskStatus.Pending;

    /// <summary>Mermaid writes entities with a hash: what could end the label, or be read as markup, is written that way.</summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var character in text)
        {
            escaped.Append(character switch
            {
                '"' => "#quot;",
                '#' => "#35;",
                '<' => "#lt;",
                '>' => "#gt;",
                '&' => "#amp;",
                '`' => "#96;",
                '\n' or '\r' or '\t' => " ",
                _ => character.ToString(),
            });
        }

        return escaped.ToString();
    }
}
