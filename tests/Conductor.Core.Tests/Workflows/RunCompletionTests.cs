using System.Diagnostics;
using System.Reflection;
using Conductor.Diagnostics;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>Whoever awaits a run goes on where it ended: the last thing that happens there.</summary>
public sealed class RunCompletionTests : IAsyncLifetime
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);
    private static readonly WorkflowDefinition _one = WorkflowDefinition.Create("completion-one")
        .Phase(WorkflowPhase.Development, phase => phase.Task("code", AgentType.Coding)).Build();

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
        using var cancellation = new CancellationTokenSource();
        await using var run = await _rig.Engine.StartWorkflowAsync(_one);
        var waiting = Enumerable.Range(0, 10).Select(i => i % 2 == 0 ? run.Completion.WaitAsync(cancellation.Token) : AfterAsync(run,
            () => new WorkflowState { WorkflowId = run.RunId, DefinitionName = "any" })).ToList();

        _release.SetResult();

        (await Task.WhenAll(waiting).WaitAsync(_limit)).Should().OnlyContain(state => state.WorkflowId == run.RunId);
    }

    /// <summary>What somebody does when a run is over comes next on the thread only as long as it is brief.</summary>
    [Fact]
    public async Task Completion_OneWhoAwaitsTakesLong_IsNoWorkOfTheLane()
    {
        const string Lane = "Conductor.Threading.Lane.Work";
        _release.SetResult();
        var place = string.Empty;
        for (var attempt = 0; attempt < 1_000 && !place.Contains(Lane, StringComparison.Ordinal); attempt++)
        {
            await RunAsync(static () => true);
            await RunAsync(static () => true);
            place = await RunAsync(static () => new StackTrace().ToString());
        }

        place.Should().Contain(Lane);
        for (var turn = 0; turn < 2; turn++)
        {
            await RunAsync(static () => SpinWait.SpinUntil(static () => false, millisecondsTimeout: 1));
        }

        (await RunAsync(static () => new StackTrace().ToString())).Should().NotContain(Lane);
    }

    /// <summary>Stopping an engine, or migrating a run, must not have to wait for what an application does at its end.</summary>
    [Fact]
    public async Task CompletionApart_SomebodyHoldsTheEndOfTheRun_ComesAllTheSame()
    {
        using var cancellation = new CancellationTokenSource();
        using var came = new ManualResetEventSlim();
        await using var run = await _rig.Engine.StartWorkflowAsync(_one);
        var runner = (WorkflowRunner)typeof(WorkflowRun).GetField("_runner", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(run)!;
        var held = AfterAsync(run, () => came.Wait(_limit));
        var apart = WaitApartAsync();

        _release.SetResult();

        (await held.WaitAsync(2 * _limit)).Should().BeTrue();
        await apart;

        async Task WaitApartAsync()
        {
            await runner.EndApart.WaitAsync(cancellation.Token).ConfigureAwait(false);
            came.Set();
        }
    }

    [Fact]
    public async Task Completion_ListenerFails_ComesAllTheSameAndItIsLogged()
    {
        var definition = _one with { Name = "completion-listener" };
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == ConductorTelemetry.SourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (activity.DisplayName.EndsWith(definition.Name, StringComparison.Ordinal))
                {
                    throw new InvalidOperationException("The listener fails.");
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        _release.SetResult();
        await using var run = await _rig.Engine.StartWorkflowAsync(definition);

        (await run.Completion.WaitAsync(_limit)).Status.Should().Be(WorkflowStatus.Completed);

        _rig.Logs.GetSnapshot().Should().Contain(record => record.Id.Id == 1612);
    }

    [Fact]
    public async Task Completion_OneWhoAwaitsBlocksItsThreadForTheNextRun_TheNextRunEndsAllTheSame()
    {
        _release.SetResult();
        for (var turn = 0; turn < 3; turn++)
        {
            // Known to be brief from here on: then it is work of the lane.
            await RunAsync(static () => true);
        }

        await using var run = await _rig.Engine.StartWorkflowAsync(_one);
        var blocked = BlockAfterAsync(run);

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

    private async Task<T> RunAsync<T>(Func<T> then)
    {
        await using var run = await _rig.Engine.StartWorkflowAsync(_one);
        return await AfterAsync(run, then);
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
