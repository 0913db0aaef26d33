using Conductor.Sqlite.Database;

namespace Conductor.Sqlite.Records;

/// <summary>A part of a run, written down. One with a key replaces the one of the same kind and key.</summary>
internal readonly record struct Detail(DetailKind Kind, string? Key, byte[] Record)
{
    public static List<Detail> Of(WorkflowTransition step, SqliteCodec codec) => Of(
        codec, step.Phases, step.FeedbackRounds, step.Log, step.NewAgents, step.Redeliveries);

    public static List<Detail> Of(WorkflowState state, SqliteCodec codec) => Of(
        codec, state.PhaseHistory, state.FeedbackRounds, state.ErrorLog, state.ParticipatingAgents, state.Redeliveries);

    /// <summary>Writes it.</summary>
    /// <param name="session">The writer's.</param>
    /// <param name="seq">The run.</param>
    /// <returns>False when one of the same key was replaced.</returns>
    public bool TryInsert(SqliteSession session, long seq)
    {
        if (Key is { } key && session.Execute(
            "UPDATE conductor_details SET record = $4 WHERE workflow_seq = $1 AND kind = $2 AND key = $3", seq, (long)Kind, key, Record) > 0)
        {
            return false;
        }

        session.Execute("INSERT INTO conductor_details (workflow_seq, kind, key, record) VALUES ($1, $2, $3, $4)", seq, (long)Kind, Key, Record);
        return true;
    }

    private static List<Detail> Of(
        SqliteCodec codec,
        IReadOnlyList<PhaseRecord> phases,
        IReadOnlyList<FeedbackRound> rounds,
        IReadOnlyList<WorkflowLogEntry> log,
        IReadOnlyList<string> agents,
        IReadOnlyList<TaskRedelivery> redeliveries)
    {
        if (phases.Count + rounds.Count + log.Count + agents.Count + redeliveries.Count == 0)
        {
            return [];
        }

        return
        [
            .. phases.Select(phase => new Detail(DetailKind.Phase, $"{phase.Round}:{phase.Phase}", codec.Encode(phase))),
            .. rounds.Select(round => new Detail(DetailKind.FeedbackRound, null, codec.Encode(round))),
            .. log.Select(entry => new Detail(DetailKind.LogEntry, null, codec.Encode(entry))),
            .. agents.Select(agent => new Detail(DetailKind.Agent, null, codec.Encode(agent))),
            .. redeliveries.Select(task => new Detail(DetailKind.Redelivery, $"{task.Round}:{task.TaskId}", codec.Encode(task))),
        ];
    }
}
