using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.Support;

/// <summary>A store whose commits a test can let fail, before or after they are done.</summary>
internal sealed class InterceptedStateManager(StateManager inner) : DelegatingStateManager(inner)
{
    private int _commits;

    /// <summary>Called before each commit with its number, the first being 1.</summary>
    public Action<int>? BeforeCommit { get; init; }

    /// <summary>Called after each commit with its number.</summary>
    public Action<int>? AfterCommit { get; init; }

    public int Commits => _commits;

    protected override async ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken)
    {
        var number = Interlocked.Increment(ref _commits);
        BeforeCommit?.Invoke(number);
        var version = await base.CommitWorkflowCoreAsync(transition, cancellationToken);
        AfterCommit?.Invoke(number);
        return version;
    }
}
