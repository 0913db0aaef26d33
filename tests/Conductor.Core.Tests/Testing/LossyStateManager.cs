using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

/// <summary>A store that breaks one of its promises.</summary>
internal sealed class LossyStateManager(ConductorEnvironment environment, StoreFault fault)
    : DelegatingStateManager(new InMemoryStateManager(environment), environment)
{
    /// <summary>How long each step waits for somebody to come between.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromMilliseconds(50);

    private readonly InMemoryStateManager _empty = new(environment);
    private readonly ConcurrentDictionary<string, WorkflowState?> _torn = new(StringComparer.Ordinal);
    private int _connects;
    private int _tornReads;

    public override LeaseStore Leases => Forgets(StoreFault.LeasesAfterConnect) ? _empty.Leases : Inner.Leases;

    public override EffectStore Effects => Forgets(StoreFault.EffectsAfterConnect) ? _empty.Effects : Inner.Effects;

    protected override async ValueTask ConnectCoreAsync(CancellationToken cancellationToken)
    {
        _connects++;
        await _empty.ConnectAsync(cancellationToken);
        await base.ConnectCoreAsync(cancellationToken);
    }

    protected override async ValueTask<TaskResult?> GetTaskResultCoreAsync(ExecutionKey key, CancellationToken cancellationToken) =>
        await base.GetTaskResultCoreAsync(key, cancellationToken) is not { } result ? null : fault switch
        {
            StoreFault.Feedback => result with { Feedback = null },
            StoreFault.Metadata => result with { Metadata = new Dictionary<string, string>() },
            StoreFault.Ticks => result with { StartedAt = Cut(result.StartedAt) },
            StoreFault.LongOutput when result.Output.TryGet<string>(out var text) && text!.Length > 65_535 => result with { Output = text[..65_535] },
            StoreFault.Text when result.Output.TryGet<string>(out var text) => result with { Output = Regex.Replace(text!, @"\p{Cs}", "?") },
            _ => result,
        };

    protected override async ValueTask<WorkflowDefinition?> GetWorkflowDefinitionCoreAsync(string workflowId, CancellationToken cancellationToken)
    {
        var definition = Forgets(StoreFault.DefinitionsAfterConnect) ? null : await base.GetWorkflowDefinitionCoreAsync(workflowId, cancellationToken);
        return fault == StoreFault.Definition && definition is not null
            ? definition with { Tasks = [.. definition.Tasks.Select(static task => task with { CircuitBreaker = null })] }
            : definition;
    }

    protected override async ValueTask<WorkflowHistory?> GetWorkflowHistoryCoreAsync(
        string workflowId, long afterPosition, int limit, CancellationToken cancellationToken)
    {
        var history = await base.GetWorkflowHistoryCoreAsync(workflowId, afterPosition, limit, cancellationToken);
        return history is null ? null
            : Forgets(StoreFault.EventsAfterConnect) ? history with { Events = [] }
            : fault == StoreFault.Events ? history with { Events = [.. history.Events.Select(static happening => happening with { Error = null })] }
            : history;
    }

    protected override async ValueTask<ErrorRecord?> GetDeadLetterCoreAsync(string id, CancellationToken cancellationToken)
    {
        var letter = Forgets(StoreFault.LettersAfterConnect) ? null : await base.GetDeadLetterCoreAsync(id, cancellationToken);
        return fault == StoreFault.Letter && letter is not null
            ? letter with { Task = letter.Task! with { Metadata = new Dictionary<string, string>() } }
            : letter;
    }

    protected override async ValueTask<AgentState?> GetAgentStateCoreAsync(string agentId, CancellationToken cancellationToken) =>
        await base.GetAgentStateCoreAsync(agentId, cancellationToken) is not { } state ? null
        : fault == StoreFault.AgentTicks ? state with { UpdatedAt = Cut(state.UpdatedAt) }
        : state;

    protected override async ValueTask<bool> IsCancellationRequestedCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        !Forgets(StoreFault.WishAfterConnect) && await base.IsCancellationRequestedCoreAsync(workflowId, cancellationToken);

    protected override async ValueTask<WorkflowState?> GetWorkflowStateCoreAsync(string workflowId, CancellationToken cancellationToken)
    {
        var state = await base.GetWorkflowStateCoreAsync(workflowId, cancellationToken);
        if (state is null || !_torn.TryGetValue(workflowId, out var before))
        {
            return state;
        }

        if (state.StoreVersion != before?.StoreVersion)
        {
            Interlocked.Increment(ref _tornReads);
        }

        return state with { TaskResults = before?.TaskResults ?? new Dictionary<string, TaskResult>() };
    }

    protected override async ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken)
    {
        if (fault == StoreFault.LeaseCheckedBefore && transition.Lease is { } lease)
        {
            if (!lease.IsSameTaking(await Leases.GetAsync(lease.Name, cancellationToken)))
            {
                throw LeaseLost(lease.Name, lease);
            }

            if (transition.ExpectedVersion > 0)
            {
                await WaitAsync(async () => !lease.IsSameTaking(await Leases.GetAsync(lease.Name, cancellationToken)));
            }

            return await base.CommitWorkflowCoreAsync(transition with { Lease = null }, cancellationToken);
        }

        var id = transition.Summary.WorkflowId;
        if (fault != StoreFault.TornReads)
        {
            return await base.CommitWorkflowCoreAsync(transition, cancellationToken);
        }

        _torn[id] = await base.GetWorkflowStateCoreAsync(id, cancellationToken);
        var version = await base.CommitWorkflowCoreAsync(transition, cancellationToken);
        if (transition.ExpectedVersion > 0)
        {
            await WaitAsync(() => Task.FromResult(Volatile.Read(ref _tornReads) > 0));
        }

        _torn.TryRemove(id, out _);
        return version;
    }

    private static async Task WaitAsync(Func<Task<bool>> hasSomebodyCome)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await hasSomebodyCome() && TimeProvider.System.GetElapsedTime(began) < _patience)
        {
            await Task.Yield();
        }
    }

    private static DateTimeOffset Cut(DateTimeOffset time) => new(time.UtcTicks / TimeSpan.TicksPerMillisecond * TimeSpan.TicksPerMillisecond, TimeSpan.Zero);

    private bool Forgets(StoreFault what) => fault == what && _connects > 1;
}
