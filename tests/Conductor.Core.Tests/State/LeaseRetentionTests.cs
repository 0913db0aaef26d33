using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.State;

/// <summary>What the store in memory keeps of leases and of saves that it refused, so that a process can live for a year.</summary>
public sealed class LeaseRetentionTests
{
    private static readonly TimeSpan _term = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task ReleaseAsync_LeasesOfNoRuns_LeaveNothing()
    {
        await using var store = await OpenAsync();

        for (var i = 0; i < 100; i++)
        {
            await store.Leases.ReleaseAsync(await TakeAsync(store, $"any:{i}"));
            await store.Leases.ReleaseAsync(await TakeAsync(store, StateManager.WorkflowKey($"never-created-{i}")));
        }

        Count(store).Should().Be(0);
    }

    /// <summary>Whoever was paused with an old lease must find that another has, or had, a higher fence.</summary>
    [Fact]
    public async Task TryAcquireAsync_NameThatWasForgotten_HasAHigherFence()
    {
        await using var store = await OpenAsync();
        var fences = new List<long>();

        for (var i = 0; i < 10; i++)
        {
            var lease = await TakeAsync(store, "replay:d");
            await store.Leases.ReleaseAsync(lease);
            fences.Add(lease.Fence);
        }

        fences.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task DeleteWorkflowAsync_LeaseOfTheRun_GoesWithIt()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, StateManager.WorkflowKey("run"));
        await store.CommitWorkflowAsync(Step("run", lease));
        await store.Leases.ReleaseAsync(lease);
        Count(store).Should().Be(1, "who takes the run next tells by the fence that nobody had it in between");

        await store.DeleteWorkflowAsync("run");

        Count(store).Should().Be(0);
    }

    [Fact]
    public async Task StartWorkflowAsync_CannotBeWritten_LeavesNoLease()
    {
        TroubledStateManager? troubled = null;
        await using var rig = await Rig.StartAsync(
            new RigOptions { State = environment => troubled = new TroubledStateManager(new InMemoryStateManager(environment)) });
        troubled!.Trouble["CommitWorkflowAsync"] = static () => throw new TaskValidationException("no JSON for this");

        for (var i = 0; i < 10; i++)
        {
            await FluentActions.Awaiting(() => rig.Engine.StartWorkflowAsync(StoreTrouble.One, new WorkflowRunOptions { RunId = $"run-{i}" }).AsTask())
                .Should().ThrowAsync<TaskValidationException>();
        }

        Count(troubled.Store).Should().Be(0);
    }

    [Theory]
    [InlineData("a save at a version")]
    [InlineData("a step at a version")]
    [InlineData("a step under the lease of another run")]
    [InlineData("a step under a lease that was lost")]
    public async Task Save_RunThatDoesNotExist_RefusedLeavesNothing(string save)
    {
        var time = new VirtualTimeProvider();
        await using var store = await OpenAsync(time);
        var lease = await TakeAsync(store, StateManager.WorkflowKey("run"));
        await FluentActions.Awaiting(() => save switch
        {
            "a save at a version" => store.SaveWorkflowStateAsync(
                new WorkflowState { WorkflowId = "run", DefinitionName = "d", Status = WorkflowStatus.InProgress }, StateExpectation.AtVersion(3)).AsTask(),
            "a step at a version" => store.CommitWorkflowAsync(Step("run", lease) with { ExpectedVersion = 3 }).AsTask(),
            "a step under the lease of another run" => store.CommitWorkflowAsync(Step("run", lease with { Name = "workflow:other" })).AsTask(),
            _ => store.CommitWorkflowAsync(Step("run", lease with { Nonce = "lost" })).AsTask(),
        }).Should().ThrowAsync<StateException>();

        // Effects of runs that are kept have no age; this one counts as none.
        var effect = new EffectKey("run", "run:t:0", "call");
        await store.Effects.RecordAsync(effect, "value");
        time.Advance(TimeSpan.FromDays(8));
        await store.Effects.RecordAsync(new EffectKey("t:0", "t:0", "call"), "value");

        (await store.Effects.GetAsync(effect)).Should().BeNull();
    }

    /// <summary>Both walk over the same ids in step, so that they meet where a run is made.</summary>
    [Fact]
    public async Task SaveWorkflowStateAsync_TwoMakeTheSameRunAtOnce_NoneIsLost()
    {
        const int Runs = 5_000;
        await using var store = await OpenAsync();
        var states = Enumerable.Range(0, Runs)
            .Select(static i => new WorkflowState { WorkflowId = $"{i}", DefinitionName = "d", Status = WorkflowStatus.InProgress }).ToArray();
        var versions = new[] { new long[Runs], new long[Runs] };
        var reached = new int[2];

        await Task.WhenAll(Task.Run(() => WalkAsync(0)), Task.Run(() => WalkAsync(1)));

        versions[0].Zip(versions[1]).Should().OnlyContain(static both => both.First + both.Second == 3);

        async Task WalkAsync(int me)
        {
            var wait = new SpinWait();
            for (var i = 0; i < Runs; i++)
            {
                Volatile.Write(ref reached[me], i);
                while (Volatile.Read(ref reached[1 - me]) < i)
                {
                    wait.SpinOnce(sleep1Threshold: -1);
                }

                versions[me][i] = await store.SaveWorkflowStateAsync(states[i], StateExpectation.Any);
            }

            Volatile.Write(ref reached[me], Runs);
        }
    }

    private static int Count(StateManager store) => ((InMemoryLeaseStore)store.Leases).Count;

    private static async Task<Lease> TakeAsync(StateManager store, string name) => (await store.Leases.TryAcquireAsync(name, "owner", _term))!;

    private static WorkflowTransition Step(string id, Lease? lease = null) => new()
    {
        Summary = new WorkflowSummary { WorkflowId = id, DefinitionName = "d", Status = WorkflowStatus.InProgress, StartedAt = DateTimeOffset.UnixEpoch },
        ExpectedVersion = 0,
        Lease = lease,
    };

    private static async Task<InMemoryStateManager> OpenAsync(TimeProvider? time = null)
    {
        var store = new InMemoryStateManager(time is null ? null : new ConductorEnvironment(time));
        await store.ConnectAsync();
        return store;
    }
}
