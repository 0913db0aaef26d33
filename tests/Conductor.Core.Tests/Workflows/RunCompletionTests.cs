using System.Diagnostics;
using Conductor.Diagnostics;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>Whoever awaits a run goes on where it ended: the last thing that happens there.</summary>
public sealed class RunCompletionTests : IAsyncLifetime
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);
    private static readonly WorkflowDefinition _one = WorkflowDefinition.Create("completion-one").Phase(WorkflowPhase.Development, phase => phase.Task("code", AgentType.Coding)).Build();

    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Rig _rig = null!;

    public async Task InitializeAsync()
    {
        _rig = await Rig.StartAsync();
        await _rig.AddAsync(async (_, _) =>
        {
            await _release.Task.ConfigureAwait(false);
            return TaskData.Empty;
        });
    }

    public async Task DisposeAsync()
    {
        _release.TrySetResult();
        await _rig.DisposeAsync();
    }

    [Fact]
    public async Task Completion_OneAwaits_GoesOnWhereTheRunEnded()
    {
        await using var run = await _rig.Engine.StartWorkflowAsync(_one);
        var place = PlaceAfterAsync(run);

        _release.SetResult();

        (await place.WaitAsync(_limit)).Should().Contain("WorkflowRunner", "another thread would have to be woken, and be told all that this one knows");
    }

    [Fact]
    public async Task Completion_ManyAwait_AllGoOn()
    {
        await using var run = await _rig.Engine.StartWorkflowAsync(_one);
        var places = Enumerable.Range(0, 10).Select(_ => PlaceAfterAsync(run)).ToList();

        _release.SetResult();

        (await Task.WhenAll(places).WaitAsync(_limit)).Should().HaveCount(10);
    }

    [Fact]
    public async Task Completion_OneWhoAwaitsBlocksItsThreadForTheNextRun_TheNextRunEndsAllTheSame()
    {
        await using var run = await _rig.Engine.StartWorkflowAsync(_one);
        var blocked = BlockAfterAsync(run);

        _release.SetResult();

        (await blocked.WaitAsync(_limit)).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task Completion_OneAwaits_FindsTheSpanOfTheRunEnded()
    {
        var ended = false;
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == ConductorTelemetry.SourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity => ended |= activity.DisplayName.EndsWith(_one.Name, StringComparison.Ordinal),
        };
        ActivitySource.AddActivityListener(listener);
        await using var run = await _rig.Engine.StartWorkflowAsync(_one);
        var after = AfterAsync(run, () => ended);

        _release.SetResult();

        (await after.WaitAsync(_limit)).Should().BeTrue("what follows is no part of the run");
    }

    private static Task<string> PlaceAfterAsync(WorkflowRun run) => AfterAsync(run, static () => new StackTrace().ToString());

    private static async Task<T> AfterAsync<T>(WorkflowRun run, Func<T> look)
    {
        await run.Completion.ConfigureAwait(false);
        return look();
    }

    private async Task<WorkflowState> BlockAfterAsync(WorkflowRun run)
    {
        await run.Completion.ConfigureAwait(false);
#pragma warning disable xUnit1031, VSTHRD002, VSTHRD103 // What the test is about: a caller that does what it should not.
        return _rig.Engine.RunWorkflowAsync(_one).AsTask().Result;
#pragma warning restore xUnit1031, VSTHRD002, VSTHRD103
    }
}
