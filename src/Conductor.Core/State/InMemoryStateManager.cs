using System.Collections.Concurrent;
using Conductor.Diagnostics;

namespace Conductor.State;

/// <summary>
/// The store within one process: everything a store does (versions, leases, effects, retention), only without surviving the process.
/// What was saved stays across disconnect and connect. Thread-safe.
/// </summary>
public sealed partial class InMemoryStateManager : StateManager
{
    private readonly RetentionOptions _retention;
    private readonly Dictionary<string, AgentState> _agents = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, InMemoryWorkflow> _workflows = new(StringComparer.Ordinal);
    private readonly InMemoryDeadLetters _deadLetters = new();
    private readonly InMemoryLeaseStore _leases;
    private readonly InMemoryEffectStore _effects;
    private readonly RetainedResults _results;
    private readonly RetentionQueue<FinishedRun> _finishedOrder;
    private readonly Action<ResultKey> _forgetEffects;
    private readonly Lock _agentGate = new();

    /// <summary>Makes a store.</summary>
    /// <param name="environment">Clock, loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    /// <param name="retention">How much of what is finished it keeps. Default: the defaults.</param>
    /// <exception cref="ArgumentException">A setting is out of range; the message names every one that is.</exception>
    public InMemoryStateManager(ConductorEnvironment? environment = null, RetentionOptions? retention = null)
        : base(environment)
    {
        _retention = retention ?? new RetentionOptions();
        SettingProblems.ThrowIfAny(_retention.Problems(nameof(RetentionOptions)), nameof(retention));
        _leases = new InMemoryLeaseStore(this, Environment.TimeProvider, IsKeptRun, ForgetTooOld, TrimSpared);
        _effects = new InMemoryEffectStore(
            this,
            _leases,
            Environment.TimeProvider,
            _retention.MaxEffectAge,
            _workflows.ContainsKey,
            taskId => _results!.Contains(ResultKey.Of(new ExecutionKey(null, taskId, 0))),
            _deadLetters.Has);
        _results = new RetainedResults(_retention.MaxTaskResults, _retention.MaxAge, Environment.TimeProvider);
        _forgetEffects = ForgetEffects;
        _finishedOrder = new RetentionQueue<FinishedRun>(_retention.MaxFinishedWorkflows, _retention.MaxAge, ForgetFinished, MayForget);
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
    protected override ValueTask<RecordOutcome> SaveTaskResultCoreAsync(TaskResult result, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(result);
        var key = ResultKey.Of(result);
        if (result.WorkflowId is { } run && FindYoung(run) is { } workflow && !_results.Contains(key))
        {
            return new ValueTask<RecordOutcome>(workflow.TryRecord(result) ? RecordOutcome.Recorded : RecordOutcome.AlreadyRecorded);
        }

        if (!_results.TryAdd(key, result, _forgetEffects))
        {
            return new ValueTask<RecordOutcome>(RecordOutcome.AlreadyRecorded);
        }

        if (result.WorkflowId is null && !_effects.IsEmpty)
        {
            _effects.EndTask(result.TaskId);
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
            ForgetEffects(evicted);
            if (evicted.Id != record.ReplayOf)
            {
                Log.DeadLetterEvicted(Logger, evicted.Id, evicted.Code, _retention.MaxDeadLetters);
            }
        }

        return new ValueTask<bool>(added);
    }

    /// <inheritdoc />
    protected override ValueTask<ErrorRecord?> GetDeadLetterCoreAsync(string id, CancellationToken cancellationToken) => new(_deadLetters.Get(id));

    /// <inheritdoc />
    protected override ValueTask<Page<ErrorRecord>> ListDeadLettersCoreAsync(PageRequest page, CancellationToken cancellationToken) =>
        new(_deadLetters.List(page));

    /// <inheritdoc />
    protected override ValueTask<bool> DeleteDeadLetterCoreAsync(string id, CancellationToken cancellationToken)
    {
        var deleted = _deadLetters.Delete(id);
        if (deleted is not null)
        {
            ForgetEffects(deleted);
        }

        return new ValueTask<bool>(deleted is not null);
    }

    /// <inheritdoc />
    protected override ValueTask<int> ClearDeadLettersCoreAsync(CancellationToken cancellationToken)
    {
        var cleared = _deadLetters.Clear();
        foreach (var letter in cleared)
        {
            ForgetEffects(letter);
        }

        return new ValueTask<int>(cleared.Count);
    }

    internal static Page<T> ToPage<T>(List<T> items, int size, Func<T, string> position)
    {
        if (items.Count <= size)
        {
            return new Page<T> { Items = items };
        }

        items.RemoveAt(size);
        return new Page<T> { Items = items, ContinuationToken = position(items[^1]) };
    }

    private void ForgetEffects(ResultKey result)
    {
        if (result.WorkflowId is null && !_effects.IsEmpty)
        {
            _effects.ForgetTask(result.TaskId.Text!);
        }
    }

    private void ForgetEffects(ErrorRecord letter)
    {
        if (!_effects.IsEmpty && ExecutionOf(letter) is var (scope, key))
        {
            _effects.ForgetLetter(scope, key);
        }
    }
}
