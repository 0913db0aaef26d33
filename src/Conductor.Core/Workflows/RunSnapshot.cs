namespace Conductor.Workflows;

/// <summary>What the store has of a run that is to be continued. Immutable.</summary>
internal sealed class RunSnapshot
{
    public required WorkflowState State { get; init; }

    /// <summary>The position of the newest event.</summary>
    public required long Position { get; init; }

    /// <summary>Tasks that were begun and did not end, whatever became of them.</summary>
    public IEnumerable<string> Begun => Standings.Keys;

    /// <summary>Those of them that somebody has.</summary>
    public IReadOnlySet<string> InProgress => Those(static standing => standing != Standing.GivenBack);

    /// <summary>Those of them that ran: if nobody has the run any more, their process died under them.</summary>
    public IReadOnlySet<string> UnderWay => Those(static standing => standing == Standing.UnderWay);

    private IReadOnlyDictionary<string, Standing> Standings { get; init; } = new Dictionary<string, Standing>();

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
            Standings = Standings,
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

        var standings = new Dictionary<string, Standing>(StringComparer.Ordinal);
        var position = 0L;
        var mayHaveMigrated = false;
        while (await reader.GetHistoryAsync(runId, position, cancellationToken).ConfigureAwait(false)
            is { Events.Count: > 0 } history)
        {
            foreach (var happening in history.Events)
            {
                Follow(happening, standings);
                mayHaveMigrated |= happening.Kind == WorkflowEventKind.Migrated || (position == 0 && happening.Position > 1);
                position = happening.Position;
            }
        }

        return new RunSnapshot { State = state, Position = position, Standings = standings, MayHaveMigrated = mayHaveMigrated };
    }

    private static void Follow(WorkflowEvent happening, Dictionary<string, Standing> standings)
    {
        switch (happening.Kind)
        {
            case WorkflowEventKind.TaskStarted:
                standings[happening.TaskId!] = Standing.UnderWay;
                break;
            case WorkflowEventKind.TaskRetrying:
                standings[happening.TaskId!] = Standing.TriedAgain;
                break;
            case WorkflowEventKind.TaskFinished:
                standings.Remove(happening.TaskId!);
                break;

            // Given back by a process that stopped in order, or counted by one that took over before.
            case WorkflowEventKind.HandedOver or WorkflowEventKind.Resumed:
                foreach (var taskId in standings.Keys)
                {
                    standings[taskId] = Standing.GivenBack;
                }

                break;
        }
    }

    private HashSet<string> Those(Func<Standing, bool> condition) =>
        Standings.Where(task => condition(task.Value)).Select(static task => task.Key).ToHashSet(StringComparer.Ordinal);

    /// <summary>What became of a task that was begun and did not end.</summary>
    private enum Standing
    {
        UnderWay,

        /// <summary>It failed and waits for its next attempt, or, where no start of that is noted, may be at it.</summary>
        TriedAgain,

        GivenBack,
    }
}
