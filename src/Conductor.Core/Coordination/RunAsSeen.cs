using Conductor.State;

namespace Conductor.Coordination;

/// <summary>
/// What a task of a run saw of it in its round, read from the store when its dead letter is replayed: the run may have gone on since, or be gone. Immutable.
/// </summary>
internal sealed class RunAsSeen
{
    private static readonly RunAsSeen _nothing = new();

    /// <summary>The outputs of the tasks that it depends on.</summary>
    public IReadOnlyDictionary<string, TaskData> Outputs { get; private init; } = Snapshot.NoMap<TaskData>();

    /// <summary>The findings that sent the run back into that round.</summary>
    public IReadOnlyList<Feedback> Findings { get; private init; } = [];

    /// <summary>Tasks it depends on of which there is no result any more.</summary>
    public IReadOnlyList<string> Missing { get; private init; } = [];

    /// <summary>Whether there is no word any more of what sent the run back.</summary>
    public bool LacksFindings { get; private init; }

    /// <summary>Whether anything that it saw is no longer kept.</summary>
    public bool IsIncomplete => LacksFindings || Missing.Count > 0;

    /// <summary>Reads it. A task that depends on nothing saw nothing of its run in the first round: then the store is not asked.</summary>
    public static async ValueTask<RunAsSeen> ReadAsync(
        StateManager store, ErrorRecord letter, IReadOnlyList<string> dependsOn, CancellationToken cancellationToken)
    {
        if (letter.WorkflowId is not { } run || (dependsOn.Count == 0 && letter.Round <= 0))
        {
            return _nothing;
        }

        // The whole run is read only for its findings: it may be long.
        var round = IdText.ProblemOf(run) is null ? letter.Round : -1;
        FeedbackRound? feedback = null;
        if (round > 0)
        {
            var state = await store.GetWorkflowStateAsync(run, cancellationToken).ConfigureAwait(false);
            feedback = state?.FeedbackRounds.LastOrDefault(turn => turn.Round == letter.Round);
            round = Math.Min(round, state?.Round ?? -1);
        }

        var outputs = new Dictionary<string, TaskData>(StringComparer.Ordinal);
        var missing = new List<string>();
        foreach (var taskId in dependsOn)
        {
            if (await ResultAsync(store, run, taskId, round, cancellationToken).ConfigureAwait(false) is not { } result)
            {
                missing.Add(taskId);
            }
            else if (result.IsSuccess)
            {
                outputs[taskId] = result.Output;
            }
        }

        return new RunAsSeen
        {
            Outputs = Snapshot.Owning(outputs),
            Findings = feedback?.Feedback ?? [],
            Missing = missing,
            LacksFindings = letter.Round > 0 && feedback is null,
        };
    }

    /// <summary>What is missing, for people.</summary>
    public string Describe() =>
        string.Join(", ", Missing.Select(static taskId => $"the output of '{taskId}'").Concat(LacksFindings ? ["the findings of its round"] : []));

    /// <summary>The newest result that was there in that round: a task that did not run again in it has one of a round before.</summary>
    private static async ValueTask<TaskResult?> ResultAsync(StateManager store, string run, string taskId, int round, CancellationToken cancellationToken)
    {
        for (var earlier = IdText.ProblemOf(taskId) is null ? round : -1; earlier >= 0; earlier--)
        {
            if (await store.GetTaskResultAsync(run, taskId, earlier, cancellationToken).ConfigureAwait(false) is { } result)
            {
                return result;
            }
        }

        return null;
    }
}
