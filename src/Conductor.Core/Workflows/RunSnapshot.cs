namespace Conductor.Workflows;

/// <summary>What the store has of a run that is to be continued. Immutable.</summary>
internal sealed class RunSnapshot
{
    public required WorkflowState State { get; init; }

    /// <summary>The position of the newest event.</summary>
    public required long Position { get; init; }

    /// <summary>Tasks that were begun and neither ended nor were given back: their process died under them.</summary>
    public required IReadOnlySet<string> UnderWay { get; init; }

    /// <summary>Tasks that failed and wait for their next attempts, or, where no start of those is noted, may be at them.</summary>
    public required IReadOnlySet<string> TriedAgain { get; init; }

    /// <summary>Tasks that were begun and did not end: those of both, and all that were given back.</summary>
    public required IReadOnlySet<string> Begun { get; init; }

    /// <summary>
    /// Whether the run may have changed its definition before: its events say so, or the first of them are kept no longer. (Then a run that never did
    /// has the store asked in vain, and only for tasks without a result that the definition before lacked.)
    /// </summary>
    private bool MayHaveMigrated { get; init; }

    /// <summary>Results in <see cref="State"/> that do not count in the store: a definition in between lacked their tasks.</summary>
    public IReadOnlyList<TaskResult> Returned { get; private init; } = [];

    /// <summary>
    /// The same for a run that goes on with another definition: tasks that this one has, and the one before lacked, have the results that they had
    /// when a definition before that had them, unless feedback has sent them back since. So what was done is not done again when a deployment is
    /// rolled back, and what is to be done again is.
    /// </summary>
    public async ValueTask<RunSnapshot> MigratedAsync(RunReader reader, WorkflowDefinition before, WorkflowPlan next)
    {
        if (!MayHaveMigrated)
        {
            // No definition before this one had a task that this one lacks.
            return this;
        }

        var known = before.Tasks.Select(static task => task.Id).ToHashSet(StringComparer.Ordinal);
        var returned = new List<TaskResult>();
        var sentBack = FeedbackLoop.LastSentBack(next, State.FeedbackRounds);
        for (var index = 0; index < next.TaskCount; index++)
        {
            var taskId = next.Task(index).Id;
            if (known.Contains(taskId) || State.TaskResults.ContainsKey(taskId))
            {
                continue;
            }

            TaskResult? result = null;
            for (var round = State.Round; round >= sentBack[index] && result is null; round--)
            {
                result = await reader.GetTaskResultAsync(State.WorkflowId, taskId, round, CancellationToken.None).ConfigureAwait(false);
            }

            returned.AddRange(result is null ? [] : [result]);
        }

        return returned.Count == 0 ? this : new RunSnapshot
        {
            State = State with
            {
                TaskResults = State.TaskResults.Concat(returned.Select(static result => KeyValuePair.Create(result.TaskId, result)))
                    .ToDictionary(StringComparer.Ordinal),
            },
            Position = Position,
            UnderWay = UnderWay,
            TriedAgain = TriedAgain,
            Begun = Begun,
            MayHaveMigrated = MayHaveMigrated,
            Returned = returned,
        };
    }

    /// <summary>Reads what is needed to go on with a run whose lease is held.</summary>
    public static async ValueTask<RunSnapshot?> ReadAsync(RunReader reader, string runId, CancellationToken cancellationToken)
    {
        if (await reader.GetStateAsync(runId, cancellationToken).ConfigureAwait(false) is not { IsComplete: false } state)
        {
            return null;
        }

        var underWay = new HashSet<string>(StringComparer.Ordinal);
        var triedAgain = new HashSet<string>(StringComparer.Ordinal);
        var begun = new HashSet<string>(StringComparer.Ordinal);
        var position = 0L;
        var mayHaveMigrated = false;
        while (await reader.GetHistoryAsync(runId, position, cancellationToken).ConfigureAwait(false)
            is { Events.Count: > 0 } history)
        {
            foreach (var happening in history.Events)
            {
                Follow(happening, underWay, triedAgain, begun);
                mayHaveMigrated |= happening.Kind == WorkflowEventKind.Migrated || (position == 0 && happening.Position > 1);
                position = happening.Position;
            }
        }

        return new RunSnapshot
        {
            State = state, Position = position, UnderWay = underWay, TriedAgain = triedAgain, Begun = begun, MayHaveMigrated = mayHaveMigrated,
        };
    }

    private static void Follow(WorkflowEvent happening, HashSet<string> underWay, HashSet<string> triedAgain, HashSet<string> begun)
    {
        switch (happening.Kind)
        {
            case WorkflowEventKind.TaskStarted:
                underWay.Add(happening.TaskId!);
                triedAgain.Remove(happening.TaskId!);
                begun.Add(happening.TaskId!);
                break;
            case WorkflowEventKind.TaskRetrying:
                underWay.Remove(happening.TaskId!);
                triedAgain.Add(happening.TaskId!);
                break;
            case WorkflowEventKind.TaskFinished:
                underWay.Remove(happening.TaskId!);
                triedAgain.Remove(happening.TaskId!);
                begun.Remove(happening.TaskId!);
                break;

            // Given back by a process that stopped in order, or counted by one that took over before.
            case WorkflowEventKind.HandedOver or WorkflowEventKind.Resumed:
                underWay.Clear();
                triedAgain.Clear();
                break;
        }
    }
}
