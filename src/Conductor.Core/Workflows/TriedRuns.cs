namespace Conductor.Workflows;

/// <summary>Which runs were tried to be taken over, and when each is to be tried again. Belongs to one look at a time.</summary>
/// <param name="time">The clock.</param>
/// <param name="term">How long a run rests that was tried: the term of a lease.</param>
/// <param name="hasAgents">Whether a type has agents here.</param>
internal sealed class TriedRuns(TimeProvider time, TimeSpan term, Func<AgentType, bool> hasAgents)
{
    /// <summary>How often the rest of a run that is lost here again and again is doubled: it becomes sixteen terms.</summary>
    private const int MostDoublings = 4;

    private readonly Dictionary<string, long> _refused = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Lack> _missing = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Retaking> _retaken = new(StringComparer.Ordinal);

    public IEnumerable<string> Ids => _refused.Keys.Concat(_retaken.Keys);

    /// <summary>A run cannot be taken over now.</summary>
    /// <returns>Whether that is new.</returns>
    public bool Refuse(string runId)
    {
        var isNew = !_refused.ContainsKey(runId);
        _refused[runId] = time.GetTimestamp();
        return isNew;
    }

    /// <summary>
    /// Which agents a run lacks here, and when its time is up, so that it ends without them: it is tried as soon as they are here, or then, however
    /// short ago it was tried.
    /// </summary>
    public void Await(string runId, List<AgentType> missing, DateTimeOffset? endsAt) => _missing[runId] = new Lack(missing, endsAt);

    /// <summary>Whether a run lacked agents when it was tried last.</summary>
    public bool AwaitsAgents(string runId) => _missing.ContainsKey(runId);

    public void HasItsAgents(string runId) => _missing.Remove(runId);

    /// <summary>
    /// A run that was lost here is taken up again. Should it be lost once more soon, it is not begun again and again at each look; and as long as it
    /// gets no further in between, what it is lost by is likely to be there the next time, too: then it is tried ever more rarely.
    /// </summary>
    public void NoteRetaken(WorkflowState state, long at)
    {
        var progress = (state.Round, state.CurrentPhase, state.TaskResults.Count);
        var times = _retaken.TryGetValue(state.WorkflowId, out var before) && before.Progress == progress ? before.Times + 1 : 1;
        _retaken[state.WorkflowId] = new Retaking(at, times, progress);
    }

    public bool WasTriedLately(string runId) =>
        (_retaken.TryGetValue(runId, out var retaken) && WasLately(retaken.At, terms: 1 << Math.Min(retaken.Times - 1, MostDoublings)))
            || (_refused.TryGetValue(runId, out var refusedAt) && WasLately(refusedAt, terms: 1)
                && !(_missing.TryGetValue(runId, out var lack) && IsOver(lack)));

    public void Forget(string runId)
    {
        _refused.Remove(runId);
        _missing.Remove(runId);
        _retaken.Remove(runId);
    }

    private bool WasLately(long at, int terms) => time.GetElapsedTime(at) < term * terms;

    private bool IsOver(Lack lack) => lack.Types.TrueForAll(type => hasAgents(type)) || time.GetUtcNow() >= lack.EndsAt;

    /// <summary>What a run waits for.</summary>
    /// <param name="Types">The types of which it lacks agents here.</param>
    /// <param name="EndsAt">When its time is up; null for never.</param>
    private readonly record struct Lack(List<AgentType> Types, DateTimeOffset? EndsAt);

    /// <summary>A run that was taken up again after it was lost here.</summary>
    /// <param name="At">When.</param>
    /// <param name="Times">How often, without its getting any further.</param>
    /// <param name="Progress">How far it was.</param>
    private readonly record struct Retaking(long At, int Times, (int Round, WorkflowPhase? Phase, int Results) Progress);
}
