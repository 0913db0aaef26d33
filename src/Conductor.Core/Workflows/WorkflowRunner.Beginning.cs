using Conductor.Coordination;
using Conductor.State;

namespace Conductor.Workflows;

/// <content>
/// Which tasks are under way, for whoever goes on with the run after a crash. Where the store outlives the process, a task counts as started when
/// it has its agent: one that waits for an agent, or for capacity, must not be taken for one that killed the process. Its agent waits for the
/// commit, so this is done where tasks take much longer than commits; briefer ones, which do not wait for long either, count from their hand-over
/// on. So do all where the store does not outlive the process, and nobody will ask. A task that failed and waits for its next attempt counts as started
/// no longer, until it has its agent for that.
/// </content>
internal sealed partial class WorkflowRunner
{
    /// <summary>
    /// A task is brief if it takes less than so many commits: to wait for one of them would cost more than a tenth of what its agent gets done.
    /// </summary>
    private const int BriefCommits = 8;

    /// <summary>
    /// Tasks that have their agents, and wait until that is committed. Under the lock of <see cref="_started"/>: an object that is there anyway, and that
    /// nobody else locks.
    /// </summary>
    private List<BeginRequest>? _beginning;

    /// <summary>Tasks that were handed over, and whose start is not committed yet; without a request until they are.</summary>
    private Dictionary<int, BeginRequest?>? _uncommitted;

    /// <summary>Attempts that failed and are followed by others, and what tells of those. Under the lock of <see cref="_started"/>.</summary>
    private List<(int Index, TaskRetry Retry, BeginRequest? Next)>? _retries;

    /// <summary>Those whose start is in the step under way.</summary>
    private List<BeginRequest>? _begun;

    private bool RecordsBegins => _services.State.Durability != DurabilityLevel.Volatile;

    /// <summary>A task has its agent. Thread-safe.</summary>
    public void Begin(BeginRequest request)
    {
        lock (_started)
        {
            (_beginning ??= []).Add(request);
        }

        _finished.Nudge();
    }

    /// <inheritdoc />
    IBeginning? IDispatchOwner.NoteRetry(TaskRetry retry)
    {
        if (!_plan.TryIndex(retry.TaskId, out var index))
        {
            return null;
        }

        var next = RecordsBegins ? new BeginRequest(this, index, isRetry: true) : null;
        lock (_started)
        {
            (_retries ??= []).Add((index, retry, next));
        }

        _finished.Nudge();
        return next;
    }

    /// <summary>
    /// Notes which tasks failed and wait for their next attempts. Called before anything else is noted of such a task: that it begins, or is over.
    /// </summary>
    private void NoteRetries()
    {
        if (Volatile.Read(ref _retries) is null)
        {
            return;
        }

        List<(int Index, TaskRetry Retry, BeginRequest? Next)> all;
        lock (_started)
        {
            all = _retries!;
            _retries = null;
        }

        foreach (var (index, retry, next) in all)
        {
            _journal.AddRetrying(retry, _summary.CurrentPhase, _summary.Round);
            if (next is not null)
            {
                (_uncommitted ??= [])[index] = next;
            }
        }
    }

    /// <summary>Notes that a task starts, or that this is to be noted when it has its agent.</summary>
    private void NoteStart(int index)
    {
        if (!RecordsBegins || IsBrief(index))
        {
            AddStarted(index);
        }
        else
        {
            (_uncommitted ??= [])[index] = null;
        }
    }

    /// <summary>What is to be told when a task has its agent; null when its start is committed by then.</summary>
    private BeginRequest? BeginRequestOf(int index)
    {
        if (_uncommitted?.ContainsKey(index) != true)
        {
            return null;
        }

        var request = new BeginRequest(this, index);
        _uncommitted[index] = request;
        return request;
    }

    /// <summary>A task is over, or does not begin.</summary>
    private void ForgetStart(int index, TaskResult? result)
    {
        _uncommitted?.Remove(index);
        if (RecordsBegins && result is { IsSuccess: true, Attempts: 1 })
        {
            PaceOf(index).Note(result.Duration);
        }
    }

    /// <summary>
    /// Commits what has changed, with the starts of the tasks that have their agents by now. Those begin when it is committed, or not at all.
    /// </summary>
    private async ValueTask CommitWithStartsAsync()
    {
        _begun = TakeBegun();
        try
        {
            await CommitChangesAsync().ConfigureAwait(false);
            AllowBegun();
        }
        catch (Exception exception) when (_begun is { } begun)
        {
            // First, so that what is refused is known to be nobody's failure.
            Lose(exception);
            _begun = null;
            begun.ForEach(static request => request.Refuse());
            throw;
        }
    }

    private async ValueTask SaveTimedAsync(WorkflowTransition step)
    {
        var begunAt = RecordsBegins ? _services.Time.GetTimestamp() : 0;
        await SaveAsync(step).ConfigureAwait(false);
        if (RecordsBegins)
        {
            _services.Commits.Note(_services.Time.GetElapsedTime(begunAt));
        }
    }

    /// <summary>
    /// As soon as it is committed: who is told of that next (whoever reports progress, or follows the run) may take long, or wait for an agent.
    /// </summary>
    private void AllowBegun()
    {
        var begun = _begun;
        _begun = null;
        begun?.ForEach(static request => request.Allow());
    }

    /// <summary>The run stops: nothing begins any more.</summary>
    private void RefuseStarts() => TakeBeginning()?.ForEach(static request => request.Refuse());

    private List<BeginRequest>? TakeBegun()
    {
        // In this order: what begins again has failed before.
        var beginning = TakeBeginning();
        NoteRetries();
        if (_uncommitted is not { Count: > 0 } uncommitted)
        {
            return beginning;
        }

        var begun = beginning ?? [];

        // Known to be brief since they were handed over.
        begun.AddRange(uncommitted.Values.Where(request => request is { IsRetry: false } && IsBrief(request.Index))!);
        foreach (var request in begun)
        {
            if (uncommitted.TryGetValue(request.Index, out var known) && known == request)
            {
                uncommitted.Remove(request.Index);
                AddStarted(request.Index);
            }
        }

        return begun;
    }

    private List<BeginRequest>? TakeBeginning()
    {
        if (Volatile.Read(ref _beginning) is null)
        {
            return null;
        }

        lock (_started)
        {
            var all = _beginning;
            _beginning = null;
            return all;
        }
    }

    private void AddStarted(int index) => _journal.AddStarted(index, _summary.CurrentPhase, _summary.Round);

    /// <summary>What was under way when an owner died is never taken for brief: whether it was is what is to be known.</summary>
    private bool IsBrief(int index) =>
        CrashesOf(index) == 0 && PaceOf(index).Average is { } task && _services.Commits.Average is { } commit && task < commit * BriefCommits;

    private Pace PaceOf(int index) => _services.PaceOf(_plan.Task(index).AgentType);
}
