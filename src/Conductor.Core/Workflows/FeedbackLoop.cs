namespace Conductor.Workflows;

/// <summary>
/// Decides whether the feedback of a phase sends a run back, and what then runs again: named affected tasks, what depends on them, and the
/// later phases; or the whole phase and all after it. Not thread-safe: it belongs to one run's loop.
/// </summary>
internal sealed class FeedbackLoop
{
    private static readonly FeedbackRule _usual = new() { From = WorkflowPhase.Monitoring, To = WorkflowPhase.Development };

    private readonly WorkflowPlan _plan;
    private readonly int _from;
    private readonly int _to;

    public FeedbackLoop(WorkflowPlan plan, WorkflowOptions options)
    {
        _plan = plan;
        var rule = plan.Definition.Feedback ?? _usual;
        _from = plan.PhaseIndex(rule.From);
        _to = plan.PhaseIndex(rule.To);
        MaxRounds = _from < 0 || _to < 0 || _to > _from ? 0 : rule.MaxRounds ?? options.MaxFeedbackLoops;
        MinSeverity = rule.MinSeverity ?? options.FeedbackSeverity;
        AtLimit = rule.AtLimit ?? options.AtFeedbackLimit;
    }

    public int MaxRounds { get; }

    public FeedbackSeverity MinSeverity { get; }

    public FeedbackLimitAction AtLimit { get; }

    public int To => _to;

    public bool IsOff => MaxRounds == 0;

    /// <summary>Whether the feedback of this phase is what the loop is about.</summary>
    public bool Follows(int phase) => phase == _from;

    /// <summary>Feedback of this round that is grave enough to count.</summary>
    public IReadOnlyList<Feedback> Grave(RunBoard board, int phase, int round)
    {
        List<Feedback>? grave = null;
        foreach (var index in _plan.TasksOf[phase])
        {
            if (board.Result(index) is { Feedback: { } feedback } result && result.Round == round && feedback.Severity >= MinSeverity)
            {
                (grave ??= []).Add(feedback);
            }
        }

        return grave ?? (IReadOnlyList<Feedback>)[];
    }

    /// <summary>
    /// The newest round in which each task of a plan was sent back, or would have been had the run had it then; 0 for none. Results of earlier
    /// rounds count no longer.
    /// </summary>
    public static int[] LastSentBack(WorkflowPlan plan, IEnumerable<FeedbackRound> rounds)
    {
        var last = new int[plan.TaskCount];
        foreach (var round in rounds)
        {
            // Into a phase that the plan lacks: all runs again, since findings are never dropped.
            foreach (var index in Affected(plan, plan.PhaseIndex(round.To), round.Feedback).Again)
            {
                last[index] = Math.Max(last[index], round.Round);
            }
        }

        return last;
    }

    /// <summary>The tasks that run again, and the ids that were named but are no tasks that could.</summary>
    public (List<int> Again, List<string> Unknown) Affected(IReadOnlyList<Feedback> feedback) => Affected(_plan, _to, feedback);

    private static (List<int> Again, List<string> Unknown) Affected(WorkflowPlan plan, int to, IReadOnlyList<Feedback> feedback)
    {
        var unknown = new List<string>();
        var marked = new bool[plan.TaskCount];
        var queue = new Queue<int>();
        var wholePhase = feedback.Any(static item => item.AffectedTaskIds.Count == 0);
        foreach (var id in feedback.SelectMany(static item => item.AffectedTaskIds).Distinct(StringComparer.Ordinal))
        {
            if (id is not null && plan.TryIndex(id, out var index) && plan.PhaseOf[index] >= to)
            {
                Mark(index);
            }
            else
            {
                unknown.Add(id ?? "null");
            }
        }

        // Where nothing that was named can run again, the whole phase does: findings are never dropped.
        wholePhase |= queue.Count == 0;
        for (var index = 0; index < plan.TaskCount; index++)
        {
            if (plan.PhaseOf[index] > to || (wholePhase && plan.PhaseOf[index] == to))
            {
                Mark(index);
            }
        }

        while (queue.TryDequeue(out var next))
        {
            foreach (var dependent in plan.Dependents[next])
            {
                Mark(dependent);
            }
        }

        return ([.. Enumerable.Range(0, marked.Length).Where(index => marked[index])], unknown);

        void Mark(int index)
        {
            if (!marked[index])
            {
                marked[index] = true;
                queue.Enqueue(index);
            }
        }
    }
}
