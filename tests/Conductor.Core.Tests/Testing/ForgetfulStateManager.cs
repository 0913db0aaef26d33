using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

/// <summary>
/// A store that keeps its versions and fences, but not what taking over stands on: it drops redeliveries and later definitions, goes by the
/// clock where the fence decides, forgets to look at the lease of a repeated step, and lists every run as unfinished and free.
/// </summary>
internal sealed class ForgetfulStateManager(ConductorEnvironment environment) : DelegatingStateManager(new InMemoryStateManager(environment), environment)
{
    private readonly Dictionary<string, long> _operations = new(StringComparer.Ordinal);

    protected override async ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken)
    {
        if (transition.OperationId is { } operation && _operations.TryGetValue($"{operation}:{transition.ExpectedVersion}", out var known))
        {
            return known;
        }

        if (transition.Lease is { } lease && await Leases.GetAsync(lease.Name, cancellationToken) is null)
        {
            throw LeaseLost(lease.Name, lease);
        }

        var version = await Inner.CommitWorkflowAsync(
            transition with { Redeliveries = [], Definition = transition.ExpectedVersion == 0 ? transition.Definition : null }, cancellationToken);
        if (transition.OperationId is not null)
        {
            _operations[$"{transition.OperationId}:{transition.ExpectedVersion}"] = version;
        }

        return version;
    }

    protected override ValueTask<long> SaveWorkflowStateCoreAsync(WorkflowState state, StateExpectation expectation, CancellationToken cancellationToken) =>
        Inner.SaveWorkflowStateAsync(state with { Redeliveries = [] }, expectation, cancellationToken);

    protected override async ValueTask<Page<UnfinishedWorkflow>> ListUnfinishedWorkflowsCoreAsync(PageRequest page, CancellationToken cancellationToken)
    {
        var all = await Inner.ListWorkflowsAsync(new WorkflowQuery { Page = page }, cancellationToken);
        return new Page<UnfinishedWorkflow>
        {
            Items = [.. all.Items.Select(static run => new UnfinishedWorkflow { WorkflowId = run.WorkflowId })],
            ContinuationToken = all.ContinuationToken,
        };
    }
}
