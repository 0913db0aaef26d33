using System.Diagnostics.Metrics;
using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Testing;

namespace Conductor.Tests.State;

/// <summary>What the abstraction does for every provider: checks and metrics; and the settings of expectations and pages.</summary>
public sealed class StateManagerTests
{
    [Fact]
    public async Task Operations_AreMeasuredByNameAndError()
    {
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = services.GetRequiredService<IMeterFactory>();
        using var durations = new MetricCollector<double>(meters, ConductorTelemetry.MeterName, "conductor.state.operation.duration");
        await using var store = new InMemoryStateManager(new ConductorEnvironment(new VirtualTimeProvider(), meterFactory: meters));
        await store.ConnectAsync();
        var state = new WorkflowState { WorkflowId = "r", DefinitionName = "d" };

        await store.SaveWorkflowStateAsync(state);
        await FluentActions.Awaiting(() => store.SaveWorkflowStateAsync(state).AsTask()).Should().ThrowAsync<StateException>();

        var measured = durations.GetMeasurementSnapshot();
        measured.Should().OnlyContain(measurement => (string?)measurement.Tags["conductor.state.operation"] == "save_workflow_state").And.HaveCount(2);
        measured[1].Tags["error.type"].Should().Be(ErrorCodes.StateConflict);
    }

    [Fact]
    public async Task Conflict_Message_NamesKeyExpectationVersionAndWayOut()
    {
        await using var store = new InMemoryStateManager();
        await store.ConnectAsync();
        var state = new WorkflowState { WorkflowId = "r", DefinitionName = "d" };
        await store.SaveWorkflowStateAsync(state);

        var thrown = (await FluentActions.Awaiting(() => store.SaveWorkflowStateAsync(state).AsTask()).Should().ThrowAsync<StateException>()).Which;

        thrown.Key.Should().Be("workflow:r");
        thrown.Message.Should().ContainAll("workflow:r", "no record", "version 1", "StateExpectation.Any");
    }

    [Fact]
    public async Task DisposeAsync_DisconnectingFails_FreesWhatItHoldsAllTheSame()
    {
        var held = new InMemoryStateManager();
        var store = new UndisconnectableStore(held);
        await store.ConnectAsync();

        await FluentActions.Awaiting(() => store.DisposeAsync().AsTask()).Should().ThrowAsync<IOException>();

        await FluentActions.Awaiting(() => held.ConnectAsync().AsTask()).Should().ThrowAsync<ObjectDisposedException>();
    }

    /// <summary>What hung before may come to its end after the disposal.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DisposeAsync_ConnectOrDisconnectHangs_IsLeftToItselfAfterAWhile(bool isConnected)
    {
        var (time, logs) = (new VirtualTimeProvider(), new FakeLogCollector());
        var store = new HangingStore(new InMemoryStateManager(), new ConductorEnvironment(time, new FakeLoggerFactory(logs))) { ConnectsAtOnce = isConnected };
        var connecting = store.ConnectAsync().AsTask();
        var left = isConnected ? store.DisconnectAsync().AsTask() : connecting;

        var disposal = store.DisposeAsync().AsTask();
        disposal.IsCompleted.Should().BeFalse("it may come to its end soon");
        time.Advance(TimeSpan.FromSeconds(5));

        await disposal.WaitAsync(TimeSpan.FromSeconds(30));
        logs.GetSnapshot().Should().ContainSingle(record => record.Id.Id == 1204);
        store.Hangs.SetResult();
        await Task.WhenAny(left);
        (store.IsConnected, left.Status).Should().Be((false, isConnected ? TaskStatus.RanToCompletion : TaskStatus.Faulted));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public async Task SaveTaskResultAsync_RunThatNobodyCouldAskFor_IsRefused(string workflowId)
    {
        await using var store = await ConnectedAsync();
        var result = new TaskResult { TaskId = "t", WorkflowId = workflowId, Status = AgentTaskStatus.Completed };

        await FluentActions.Awaiting(() => store.SaveTaskResultAsync(result).AsTask()).Should().ThrowAsync<ArgumentException>();
    }

    public static TheoryData<string, WorkflowTransition> StepsWithNull => new()
    {
        { "Output of the result of task 't'", NewStep() with { Results = [new() { TaskId = "t", Status = AgentTaskStatus.Completed, Output = null! }] } },
        { "Phases[0]", NewStep() with { Phases = [null!] } },
        { "FeedbackRounds[0]", NewStep() with { FeedbackRounds = [null!] } },
        { "ReopenedTaskIds[1]", NewStep() with { ReopenedTaskIds = ["t", null!] } },
        { "Redeliveries[0]", NewStep() with { Redeliveries = [null!] } },
        { "Log[0]", NewStep() with { Log = [null!] } },
        { "NewAgents", NewStep() with { NewAgents = null! } },
        { "Events[0]", NewStep() with { Events = [null!] } },
    };

    [Theory]
    [MemberData(nameof(StepsWithNull))]
    public async Task CommitWorkflowAsync_NullWhereNoneMayBe_IsNamedAndChangesNothing(string member, WorkflowTransition step)
    {
        await using var store = await ConnectedAsync();
        await store.CommitWorkflowAsync(NewStep() with { ExpectedVersion = 0 });

        (await FluentActions.Awaiting(() => store.CommitWorkflowAsync(step).AsTask()).Should().ThrowAsync<TaskValidationException>())
            .WithMessage($"{member} *null*");

        (await store.GetWorkflowStateAsync("r"))!.StoreVersion.Should().Be(1);
    }

    [Fact]
    public async Task SaveWorkflowStateAsync_NullForAResult_IsNamed()
    {
        await using var store = await ConnectedAsync();
        var state = new WorkflowState { WorkflowId = "r", DefinitionName = "d", TaskResults = new Dictionary<string,
            TaskResult>(StringComparer.Ordinal) { ["t"] = null! } };

        (await FluentActions.Awaiting(() => store.SaveWorkflowStateAsync(state).AsTask()).Should().ThrowAsync<ArgumentException>())
            .WithParameterName("state").WithMessage("*'t'*null*");
    }

    [Fact]
    public async Task Results_OfANegativeRound_AreRefusedWhereTheyAreSavedAsWhereTheyAreRead()
    {
        await using var store = await ConnectedAsync();
        var result = new TaskResult { TaskId = "t", WorkflowId = "r", Round = -1, Status = AgentTaskStatus.Completed };
        var state = new WorkflowState { WorkflowId = "r", DefinitionName = "d", TaskResults = new Dictionary<string,
            TaskResult>(StringComparer.Ordinal) { ["t"] = result } };
        var step = new WorkflowTransition { Summary = state.ToSummary(), ExpectedVersion = 0, OperationId = "o", Results = [result] };

        (await FluentActions.Awaiting(() => store.SaveTaskResultAsync(result).AsTask()).Should().ThrowAsync<ArgumentException>())
            .WithParameterName("result").WithMessage("*'t'*-1*");
        (
            await FluentActions.Awaiting(() => store.SaveTaskResultAsync(result with { WorkflowId = null }).AsTask()).Should()
            .ThrowAsync<ArgumentException>()).WithMessage("*'t'*-1*");
        (await FluentActions.Awaiting(() => store.SaveWorkflowStateAsync(state).AsTask()).Should().ThrowAsync<ArgumentException>())
            .WithParameterName("state").WithMessage("*'t'*-1*");
        (await FluentActions.Awaiting(() => store.CommitWorkflowAsync(step).AsTask()).Should().ThrowAsync<ArgumentException>())
            .WithParameterName("transition").WithMessage("*'t'*-1*");
    }

    [Fact]
    public async Task SaveAgentStateAsync_UndefinedStatus_IsNamed()
    {
        await using var store = await ConnectedAsync();
        var state = new AgentState { AgentId = "a", AgentType = AgentType.Coding, Status = (AgentStatus)42 };

        (await FluentActions.Awaiting(() => store.SaveAgentStateAsync(state).AsTask()).Should().ThrowAsync<ArgumentException>())
            .WithParameterName("state").WithMessage("AgentState.Status is 42*Idle*");
    }

    [Fact]
    public async Task ListWorkflowsAsync_PageNull_IsTheFirst()
    {
        await using var store = await ConnectedAsync();
        await store.SaveWorkflowStateAsync(new WorkflowState { WorkflowId = "r", DefinitionName = "d" });

        (await store.ListWorkflowsAsync(new WorkflowQuery { Page = null! })).Items.Should().ContainSingle();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1001)]
    public async Task Page_SizeOutOfBounds_IsRefused(int size)
    {
        await using var store = new InMemoryStateManager();
        await store.ConnectAsync();

        var act = () => store.ListAgentStatesAsync(new PageRequest { Size = size }).AsTask();

        (await act.Should().ThrowAsync<ArgumentException>()).WithParameterName("page").WithMessage($"*{size}*1000*");
    }

    [Fact]
    public void StateExpectation_IsMetBy_WhatItSays()
    {
        StateExpectation.Any.IsMetBy(0).Should().BeTrue();
        StateExpectation.Any.IsMetBy(7).Should().BeTrue();
        StateExpectation.MustNotExist.IsMetBy(0).Should().BeTrue();
        StateExpectation.MustNotExist.IsMetBy(1).Should().BeFalse();
        StateExpectation.AtVersion(3).IsMetBy(3).Should().BeTrue();
        StateExpectation.AtVersion(3).IsMetBy(4).Should().BeFalse();
        StateExpectation.AtVersion(0).Should().Be(StateExpectation.MustNotExist);
        default(StateExpectation).IsMetBy(1).Should().BeFalse("what nobody chose must not overwrite");
        FluentActions.Invoking(() => StateExpectation.AtVersion(-1)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public async Task ConnectAsync_AfterDisposeAsync_IsRefusedAfterDisconnectAsyncIsNot()
    {
        var store = new InMemoryStateManager();
        await store.ConnectAsync();
        await store.DisconnectAsync();
        await store.ConnectAsync();
        await store.DisposeAsync();
        await store.DisposeAsync();

        await FluentActions.Awaiting(() => store.ConnectAsync().AsTask()).Should().ThrowAsync<ObjectDisposedException>();
        store.IsConnected.Should().BeFalse();
    }

    [Fact]
    public void InMemory_SaysWhatItIs()
    {
        var store = new InMemoryStateManager();

        store.Durability.Should().Be(DurabilityLevel.Volatile);
        store.IsShared.Should().BeFalse();
        StateManager.WorkflowKey("r").Should().Be("workflow:r");
    }

    [Fact]
    public async Task CommitWorkflowAsync_UnderTheLeaseOfAnotherRun_IsRefused()
    {
        await using var store = new InMemoryStateManager();
        await store.ConnectAsync();
        var other = await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("other"), "me", TimeSpan.FromSeconds(30));

        var act = () => store.CommitWorkflowAsync(new WorkflowTransition
        {
            Summary = new WorkflowSummary { WorkflowId = "r", DefinitionName = "d" }, ExpectedVersion = 0, Lease = other,
        }).AsTask();

        await act.Should().ThrowAsync<Exception>("a lease on one run is no right to write another");
    }

    [Fact]
    public async Task SaveTaskResultAsync_BeforeItsRunIsStored_StaysTheRecordedOne()
    {
        await using var store = new InMemoryStateManager();
        await store.ConnectAsync();
        var first = new TaskResult { TaskId = "t", WorkflowId = "r", Status = AgentTaskStatus.Completed, Output = "first" };
        await store.SaveTaskResultAsync(first);

        await store.CommitWorkflowAsync(new WorkflowTransition
        {
            Summary = new WorkflowSummary { WorkflowId = "r", DefinitionName = "d" }, ExpectedVersion = 0, Results = [first with { Output = "second" }],
        });

        (await store.GetTaskResultAsync("r", "t", 0))!.Output.Get<string>().Should().Be("first", "at most one result of an execution is recorded: the first");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LeasesAndEffects_NotConnected_AreRefused(bool wasConnected)
    {
        await using var store = new InMemoryStateManager();
        if (wasConnected)
        {
            await store.ConnectAsync();
            await store.DisconnectAsync();
        }

        var lease = new Lease { Name = "l", Owner = "o", Fence = 1, Nonce = "n", ExpiresAt = DateTimeOffset.MaxValue };
        Func<Task>[] operations =
        [
            () => store.Leases.TryAcquireAsync("l", "o", TimeSpan.FromSeconds(1)).AsTask(),
            () => store.Leases.TryTakeOverAsync(lease, "o", TimeSpan.FromSeconds(1)).AsTask(),
            () => store.Leases.TryRenewAsync(lease, TimeSpan.FromSeconds(1)).AsTask(),
            () => store.Leases.ReleaseAsync(lease).AsTask(),
            () => store.Leases.GetAsync("l").AsTask(),
            () => store.Effects.GetAsync(new EffectKey("s", "k", "e")).AsTask(),
            () => store.Effects.RecordAsync(new EffectKey("s", "k", "e"), "v").AsTask(),
        ];
        foreach (var operation in operations)
        {
            (await operation.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateNotConnected);
        }
    }

    private static WorkflowTransition NewStep() => new()
    {
        Summary = new WorkflowSummary { WorkflowId = "r", DefinitionName = "d" }, ExpectedVersion = 1,
    };

    [Fact]
    public async Task DisposeAsync_Twice_FreesWhatItHoldsOnce()
    {
        var store = new CountingStore(new InMemoryStateManager());

        await store.DisposeAsync();
        await store.DisposeAsync();

        store.Freed.Should().Be(1);
    }

    private static async Task<InMemoryStateManager> ConnectedAsync()
    {
        var store = new InMemoryStateManager();
        await store.ConnectAsync();
        return store;
    }

    private sealed class CountingStore(StateManager inner) : DelegatingStateManager(inner)
    {
        public int Freed { get; private set; }

        protected override ValueTask DisposeCoreAsync()
        {
            Freed++;
            return base.DisposeCoreAsync();
        }
    }

    private sealed class UndisconnectableStore(StateManager inner) : DelegatingStateManager(inner)
    {
        protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken) => throw new IOException("The disk is gone.");
    }

    private sealed class HangingStore(StateManager inner, ConductorEnvironment environment) : DelegatingStateManager(inner, environment)
    {
        public TaskCompletionSource Hangs { get; } = new();

        public bool ConnectsAtOnce { get; init; }

        protected override async ValueTask ConnectCoreAsync(CancellationToken cancellationToken)
        {
            await (ConnectsAtOnce ? Task.CompletedTask : Hangs.Task);
            await base.ConnectCoreAsync(cancellationToken);
        }

        protected override async ValueTask DisconnectCoreAsync(CancellationToken cancellationToken)
        {
            await Hangs.Task;
            await base.DisconnectCoreAsync(cancellationToken);
        }
    }
}
