using System.Collections.Concurrent;
using System.Globalization;
using Conductor.Diagnostics;

namespace Conductor.State;

/// <summary>
/// The store within one process: everything a store does (versions, leases, effects, retention), only without surviving the process.
/// What was saved stays across disconnect and connect. Thread-safe.
/// </summary>
public sealed class InMemoryStateManager : StateManager
{
    private readonly RetentionOptions _retention;
    private readonly Dictionary<string, AgentState> _agents = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, InMemoryWorkflow> _workflows = new(StringComparer.Ordinal);
    private readonly InMemoryDeadLetters _deadLetters = new();
    private readonly InMemoryLeaseStore _leases;
    private readonly InMemoryEffectStore _effects;
    private readonly RetainedResults _results;
    private readonly RetentionQueue<string> _finishedOrder;
    private readonly Action<ResultKey> _forgetEffects;
    private readonly Lock _agentGate = new();
    private volatile bool _hasOrphans;

    /// <summary>Makes a store.</summary>
    /// <param name="environment">Clock, loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    /// <param name="retention">How much of what is finished it keeps. Default: the defaults.</param>
    /// <exception cref="ArgumentException">A setting is out of range; the message names every one that is.</exception>
    public InMemoryStateManager(ConductorEnvironment? environment = null, RetentionOptions? retention = null)
        : base(environment)
    {
        _retention = retention ?? new RetentionOptions();
        SettingProblems.ThrowIfAny(_retention.Problems(nameof(RetentionOptions)), nameof(retention));
        _leases = new InMemoryLeaseStore(this, Environment.TimeProvider);
        _effects = new InMemoryEffectStore(this, _retention.MaxTaskResults, _workflows.ContainsKey);
        _results = new RetainedResults(_retention.MaxTaskResults, _retention.MaxAge, Environment.TimeProvider);
        _forgetEffects = ForgetEffects;
        _finishedOrder = new RetentionQueue<string>(_retention.MaxFinishedWorkflows, _retention.MaxAge, ForgetFinished, MayForget);
    }

    /// <inheritdoc />
    public override DurabilityLevel Durability => DurabilityLevel.Volatile;

    /// <inheritdoc />
    public override bool IsShared => false;

    /// <inheritdoc />
    public override LeaseStore Leases => _leases;

    /// <inheritdoc />
    public override EffectStore Effects => _effects;

    private DateTimeOffset Now => Environment.TimeProvider.GetUtcNow();

    /// <inheritdoc />
    protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc />
    protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc />
    protected override ValueTask<long> SaveAgentStateCoreAsync(AgentState state, StateExpectation expectation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(state);
        lock (_agentGate)
        {
            var found = _agents.TryGetValue(state.AgentId, out var stored) ? stored.StoreVersion : 0;
            if (!expectation.IsMetBy(found))
            {
                throw Conflict($"agent:{state.AgentId}", expectation, found);
            }

            _agents[state.AgentId] = state with { StoreVersion = found + 1 };
            return new ValueTask<long>(found + 1);
        }
    }

    /// <inheritdoc />
    protected override ValueTask<AgentState?> GetAgentStateCoreAsync(string agentId, CancellationToken cancellationToken)
    {
        lock (_agentGate)
        {
            return new ValueTask<AgentState?>(_agents.GetValueOrDefault(agentId));
        }
    }

    /// <inheritdoc />
    protected override ValueTask<bool> DeleteAgentStateCoreAsync(string agentId, CancellationToken cancellationToken)
    {
        lock (_agentGate)
        {
            return new ValueTask<bool>(_agents.Remove(agentId));
        }
    }

    /// <inheritdoc />
    protected override ValueTask<Page<AgentState>> ListAgentStatesCoreAsync(PageRequest page, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(page);
        var after = page.ContinuationToken;
        List<AgentState> all;
        lock (_agentGate)
        {
            all = [.. _agents.Values];
        }

        var items = all
            .Where(state => after is null || string.CompareOrdinal(state.AgentId, after) > 0)
            .OrderBy(static state => state.AgentId, StringComparer.Ordinal)
            .Take(page.Size + 1)
            .ToList();
        return new ValueTask<Page<AgentState>>(ToPage(items, page.Size, static state => state.AgentId));
    }

    /// <inheritdoc />
    protected override ValueTask<long> SaveWorkflowStateCoreAsync(WorkflowState state, StateExpectation expectation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(state);
        var workflow = _workflows.GetOrAdd(state.WorkflowId, NewWorkflow, _retention);
        var (version, found) = workflow.TrySave(state, expectation);
        return Saved(workflow, state.WorkflowId, state.IsComplete, version, expectation, found);
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
        _finishedOrder.Trim(Now);
        var after = query.Page.ContinuationToken;
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
            .Select(static entry => entry.Key)
            .Order(StringComparer.Ordinal)
            .Take(page.Size + 1)
            .Select(id => (Id: id, Seen: _leases.Observe(WorkflowKey(id))))
            .Select(static run => new UnfinishedWorkflow { WorkflowId = run.Id, Lease = run.Seen.Lease, IsHeld = run.Seen.IsHeld })
            .ToList();
        return new ValueTask<Page<UnfinishedWorkflow>>(ToPage(items, page.Size, static run => run.WorkflowId));
    }

    /// <inheritdoc />
    protected override ValueTask<bool> DeleteWorkflowCoreAsync(string workflowId, CancellationToken cancellationToken)
    {
        _finishedOrder.Remove(workflowId);
        return new ValueTask<bool>(ForgetWorkflow(workflowId) is { Exists: true });
    }

    /// <inheritdoc />
    protected override ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transition);
        var id = transition.Summary.WorkflowId;
        var expectation = StateExpectation.AtVersion(transition.ExpectedVersion);
        var workflow = transition.ExpectedVersion == 0
            ? _workflows.GetOrAdd(id, NewWorkflow, _retention)
            : Find(id) ?? throw Conflict(WorkflowKey(id), expectation, found: 0);

        if (transition.Lease is { } lease && !IsWorkflowKey(lease.Name, id))
        {
            throw LeaseLost(WorkflowKey(id), lease);
        }

        if (_hasOrphans && transition.Results.Any(result => _results.Contains(ResultKey.Of(result))))
        {
            // Recorded before its run was stored: the first recorded result is the one that everybody sees.
            transition = transition with { Results = [.. transition.Results.Select(result => _results.Find(ResultKey.Of(result)) ?? result)] };
        }

        // The lease's gate is held over the commit, so that no new owner can slip in between check and change.
        var (version, found) = _leases.RunIfHeld(transition.Lease, (workflow, transition), static step => step.workflow.TryCommit(step.transition))
            ?? throw LeaseLost(WorkflowKey(id), transition.Lease);
        return Saved(workflow, id, transition.Summary.IsComplete, version, expectation, found);
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

    /// <inheritdoc />
    protected override ValueTask<RecordOutcome> SaveTaskResultCoreAsync(TaskResult result, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(result);
        var key = ResultKey.Of(result);
        if (result.WorkflowId is { } run && Find(run) is { Exists: true } workflow && !_results.Contains(key))
        {
            return new ValueTask<RecordOutcome>(workflow.TryRecord(result) ? RecordOutcome.Recorded : RecordOutcome.AlreadyRecorded);
        }

        if (!_results.TryAdd(key, result, _forgetEffects))
        {
            return new ValueTask<RecordOutcome>(RecordOutcome.AlreadyRecorded);
        }

        if (result.WorkflowId is not null)
        {
            _hasOrphans = true;
        }

        return new ValueTask<RecordOutcome>(RecordOutcome.Recorded);
    }

    /// <inheritdoc />
    protected override ValueTask<TaskResult?> GetTaskResultCoreAsync(ExecutionKey key, CancellationToken cancellationToken) =>
        new(_results.Find(ResultKey.Of(key)) ?? (key.WorkflowId is { } run ? FindYoung(run)?.GetResult(key.TaskId, key.Round) : null));

    /// <inheritdoc />
    protected override ValueTask<bool> SaveDeadLetterCoreAsync(ErrorRecord record, CancellationToken cancellationToken)
    {
        var (added, evicted) = _deadLetters.Save(record, _retention.MaxDeadLetters);
        if (evicted is not null)
        {
            Log.DeadLetterEvicted(Logger, evicted.Id, evicted.Code, _retention.MaxDeadLetters);
        }

        return new ValueTask<bool>(added);
    }

    /// <inheritdoc />
    protected override ValueTask<ErrorRecord?> GetDeadLetterCoreAsync(string id, CancellationToken cancellationToken) => new(_deadLetters.Get(id));

    /// <inheritdoc />
    protected override ValueTask<Page<ErrorRecord>> ListDeadLettersCoreAsync(PageRequest page, CancellationToken cancellationToken) =>
        new(_deadLetters.List(page));

    /// <inheritdoc />
    protected override ValueTask<bool> DeleteDeadLetterCoreAsync(string id, CancellationToken cancellationToken) => new(_deadLetters.Delete(id));

    /// <inheritdoc />
    protected override ValueTask<int> ClearDeadLettersCoreAsync(CancellationToken cancellationToken) => new(_deadLetters.Clear());

    internal static Page<T> ToPage<T>(List<T> items, int size, Func<T, string> position)
    {
        if (items.Count <= size)
        {
            return new Page<T> { Items = items };
        }

        items.RemoveAt(size);
        return new Page<T> { Items = items, ContinuationToken = position(items[^1]) };
    }

    private InMemoryWorkflow? Find(string workflowId) => _workflows.GetValueOrDefault(workflowId);

    /// <summary>A run, to be read: one that is too old is given no more, though nothing came since that would have had it forgotten.</summary>
    private InMemoryWorkflow? FindYoung(string workflowId)
    {
        var workflow = Find(workflowId);
        if (workflow?.FinishedAt is not { } finishedAt || Now - finishedAt <= _retention.MaxAge)
        {
            return workflow;
        }

        _finishedOrder.Trim(Now);
        return Find(workflowId);
    }

    private ValueTask<long> Saved(InMemoryWorkflow workflow, string id, bool complete, long version, StateExpectation expectation, long found)
    {
        if (version == 0)
        {
            throw Conflict(WorkflowKey(id), expectation, found);
        }

        if (complete)
        {
            var now = Now;
            if (workflow.BecameComplete(now))
            {
                _finishedOrder.Add(id, now);
            }
        }
        else if (workflow.BecameUnfinished())
        {
            _finishedOrder.Remove(id);
        }

        return new ValueTask<long>(version);
    }

    private void ForgetEffects(ResultKey result)
    {
        if (!_effects.IsEmpty)
        {
            var key = result.ToExecutionKey();
            _effects.Forget(key.WorkflowId ?? key.ToString());
        }
    }

    private static InMemoryWorkflow NewWorkflow(string id, RetentionOptions retention) => new(id, retention.MaxEventsPerWorkflow);

    /// <summary>Whoever ran it reads its final state before the lease is released.</summary>
    private bool MayForget(string workflowId) => !_leases.Observe(WorkflowKey(workflowId)).IsHeld;

    private void ForgetFinished(string workflowId)
    {
        if (Find(workflowId) is { IsUnfinished: true } workflow)
        {
            // Taken up again at this very moment: it counts anew when it ends.
            workflow.BecameUnfinished();
        }
        else
        {
            ForgetWorkflow(workflowId);
        }
    }

    private InMemoryWorkflow? ForgetWorkflow(string workflowId)
    {
        _effects.Forget(workflowId);
        _leases.Forget(WorkflowKey(workflowId));
        return _workflows.TryRemove(workflowId, out var workflow) ? workflow : null;
    }
}
