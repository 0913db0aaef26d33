using System.Globalization;

namespace Conductor.State;

/// <content>Runs of workflows.</content>
public sealed partial class InMemoryStateManager
{
    /// <summary>The digits of a time in a continuation token, so that texts are in the order of times.</summary>
    private const int TicksLength = 20;

    /// <inheritdoc />
    protected override ValueTask<long> SaveWorkflowStateCoreAsync(WorkflowState state, StateExpectation expectation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(state);
        FindYoung(state.WorkflowId);
        var saved = Change(state.WorkflowId, (state, expectation), static (workflow, change) => workflow.TrySave(change.state, change.expectation));
        return Saved(saved, state.WorkflowId, state.IsComplete, expectation);
    }

    /// <inheritdoc />
    protected override ValueTask<WorkflowState?> GetWorkflowStateCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        new(FindYoung(workflowId)?.GetState());

    /// <inheritdoc />
    protected override ValueTask<WorkflowDefinition?> GetWorkflowDefinitionCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        new(FindYoung(workflowId)?.Definition);

    /// <inheritdoc />
    protected override ValueTask<Page<WorkflowSummary>> ListWorkflowsCoreAsync(WorkflowQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        var after = query.Page.ContinuationToken;
        if (after is not null && !(after.Length > TicksLength && after[TicksLength] == ':' && !after.AsSpan(0, TicksLength).ContainsAnyExceptInRange('0', '9')))
        {
            throw query.Page.UnreadableToken();
        }

        _finishedOrder.Trim(Now);
        var items = _workflows.Values
            .Select(static workflow => workflow.Summary)
            .OfType<WorkflowSummary>()
            .Where(query.Matches)
            .OrderByDescending(Position, StringComparer.Ordinal)
            .SkipWhile(summary => after is not null && string.CompareOrdinal(Position(summary), after) >= 0)
            .Take(query.Page.Size + 1)
            .ToList();
        return new ValueTask<Page<WorkflowSummary>>(ToPage(items, query.Page.Size, Position));

        static string Position(WorkflowSummary summary) =>
            string.Create(CultureInfo.InvariantCulture, $"{summary.StartedAt.UtcTicks:D20}:{summary.WorkflowId}");
    }

    /// <inheritdoc />
    protected override ValueTask<Page<UnfinishedWorkflow>> ListUnfinishedWorkflowsCoreAsync(PageRequest page, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(page);
        var after = page.ContinuationToken;
        var items = _workflows
            .Where(entry => entry.Value.IsUnfinished && (after is null || string.CompareOrdinal(entry.Key, after) > 0))
            .OrderBy(static entry => entry.Key, StringComparer.Ordinal)
            .Take(page.Size + 1)
            .Select(entry => (Id: entry.Key, entry.Value.IsCancellationRequested, Seen: _leases.Observe(WorkflowKey(entry.Key))))
            .Select(static run => new UnfinishedWorkflow
            {
                WorkflowId = run.Id,
                Lease = run.Seen.Lease,
                IsHeld = run.Seen.IsHeld,
                IsCancellationRequested = run.IsCancellationRequested,
            })
            .ToList();
        return new ValueTask<Page<UnfinishedWorkflow>>(ToPage(items, page.Size, static run => run.WorkflowId));
    }

    /// <inheritdoc />
    protected override ValueTask<bool> DeleteWorkflowCoreAsync(string workflowId, CancellationToken cancellationToken)
    {
        if (ForgetWorkflow(workflowId) is not { } workflow)
        {
            return new ValueTask<bool>(false);
        }

        _finishedOrder.Remove(workflow.LastEnd);
        return new ValueTask<bool>(true);
    }

    /// <inheritdoc />
    protected override ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transition);
        var id = transition.Summary.WorkflowId;
        if (transition.Lease is { } lease && !IsWorkflowKey(lease.Name, id))
        {
            throw LeaseLost(WorkflowKey(id), lease);
        }

        FindYoung(id);
        if (_results.HasOfRuns && transition.Results.Any(result => _results.Contains(ResultKey.Of(id, result))))
        {
            // Recorded before its run was stored: the first recorded result is the one that everybody sees.
            transition = transition with { Results = [.. transition.Results.Select(result => _results.Find(ResultKey.Of(id, result)) ?? result)] };
        }

        // The lease's gate is held over the commit, so that no new owner can slip in between check and change.
        var saved = _leases.RunIfHeld(
            transition.Lease,
            (Store: this, Id: id, Transition: transition),
            static step => step.Store.Change(step.Id, step.Transition, static (workflow, transition) => workflow.TryCommit(transition)))
            ?? throw (transition.ExpectedVersion > 0 && Find(id) is null ? WasDeleted(id) : LeaseLost(WorkflowKey(id), transition.Lease));
        return Saved(saved, id, transition.Summary.IsComplete, StateExpectation.AtVersion(transition.ExpectedVersion));
    }

    /// <inheritdoc />
    protected override ValueTask<WorkflowHistory?> GetWorkflowHistoryCoreAsync(
        string workflowId, long afterPosition, int limit, CancellationToken cancellationToken) =>
        new(FindYoung(workflowId)?.GetHistory(afterPosition, limit));

    /// <inheritdoc />
    protected override ValueTask<bool> RequestCancellationCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        new(Find(workflowId)?.RequestCancellation() ?? false);

    /// <inheritdoc />
    protected override ValueTask<bool> IsCancellationRequestedCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        new(FindYoung(workflowId)?.IsCancellationRequested ?? false);

    private InMemoryWorkflow? Find(string workflowId) => _workflows.GetValueOrDefault(workflowId);

    private bool IsTooOld(InMemoryWorkflow? workflow) => workflow?.FinishedAt is { } finishedAt && Now - finishedAt > _retention.MaxAge;

    /// <summary>
    /// A run, to be read or written: one that is too old is forgotten by this, though nothing came since that would have done so. Outside of all locks.
    /// </summary>
    private InMemoryWorkflow? FindYoung(string workflowId)
    {
        var workflow = Find(workflowId);
        if (!IsTooOld(workflow))
        {
            return workflow;
        }

        _finishedOrder.Trim(Now);
        return Find(workflowId);
    }

    /// <summary>Changes a run. One that is not there is added with what is saved of it first: a save that is refused leaves nothing.</summary>
    private (InMemoryWorkflow Workflow, long Version, long Found) Change<TChange>(
        string id, TChange change, Func<InMemoryWorkflow, TChange, (long Version, long Found)> apply)
    {
        while (true)
        {
            var known = Find(id);
            var workflow = known ?? new InMemoryWorkflow(id, _retention.MaxEventsPerWorkflow);
            var (version, found) = apply(workflow, change);
            if (version == 0 || known is not null || _workflows.TryAdd(id, workflow))
            {
                return (workflow, version, found);
            }

            // Another made it at the same moment: the change is judged by that one.
        }
    }

    private ValueTask<long> Saved((InMemoryWorkflow Workflow, long Version, long Found) saved, string id, bool complete, StateExpectation expectation)
    {
        var (workflow, version, found) = saved;
        if (version == 0)
        {
            throw Conflict(WorkflowKey(id), expectation, found);
        }

        if (complete || workflow.FinishedAt is not null)
        {
            var now = Now;
            var isOver = workflow.NoteEnd(now, out var end);
            if (isOver == true)
            {
                _finishedOrder.Add(end, now);
            }
            else if (isOver == false)
            {
                _finishedOrder.Remove(end);
            }
        }

        return new ValueTask<long>(version);
    }

    /// <summary>Whoever ran it reads its final state before the lease is released.</summary>
    private bool MayForget(FinishedRun end) => !_leases.Observe(WorkflowKey(end.Workflow.Id)).IsHeld;

    /// <summary>A lease was taken: a run that is too old is spared under the one it ended under, and no longer.</summary>
    private void ForgetTooOld(string leaseName)
    {
        if (TryGetWorkflowId(leaseName, out var id) && _workflows.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(id, out var workflow)
            && IsTooOld(workflow))
        {
            var end = workflow.LastEnd;
            _finishedOrder.Remove(end);
            ForgetFinished(end, keepsLease: true);
        }
    }

    /// <summary>A lease was released: of a run that was to be forgotten, perhaps.</summary>
    private void TrimSpared()
    {
        if (_finishedOrder.HasSpared)
        {
            _finishedOrder.Trim(Now);
        }
    }

    /// <summary>Whether a lease's name is that of a run which is kept.</summary>
    private bool IsKeptRun(string leaseName) =>
        TryGetWorkflowId(leaseName, out var id) && _workflows.GetAlternateLookup<ReadOnlySpan<char>>().ContainsKey(id);

    private void ForgetFinished(FinishedRun end) => ForgetFinished(end, keepsLease: false);

    private void ForgetFinished(FinishedRun end, bool keepsLease)
    {
        // Not one that was taken up again, or deleted, at this very moment: it counts anew when it ends, and another of its id is another.
        if (end.Workflow.IsOverSince(end.Ending) && Find(end.Workflow.Id) == end.Workflow)
        {
            ForgetWorkflow(end.Workflow.Id, keepsLease);
        }
    }

    private InMemoryWorkflow? ForgetWorkflow(string workflowId, bool keepsLease = false)
    {
        if (!keepsLease)
        {
            // First: whoever still runs it records no more effects then.
            _leases.Forget(WorkflowKey(workflowId));
        }

        _effects.ForgetRun(workflowId);
        if (_results.HasOfRuns)
        {
            _results.RemoveOf(workflowId);
        }

        return _workflows.TryRemove(workflowId, out var workflow) ? workflow : null;
    }
}
