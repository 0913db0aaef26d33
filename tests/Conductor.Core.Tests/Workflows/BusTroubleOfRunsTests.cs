using Conductor.Messaging;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using static Conductor.Tests.Support.StoreTrouble;

namespace Conductor.Tests.Workflows;

/// <summary>What the bus tells of a run is best effort: one that fails, or does not answer, keeps neither the run nor whoever follows or cancels it.</summary>
public sealed class BusTroubleOfRunsTests
{
    private static readonly TimeSpan _step = TimeSpan.FromSeconds(1);
    private readonly TaskCompletionSource _answer = new();
    private readonly TaskCompletionSource _release = new();

    [Theory]
    [InlineData("fails at subscribing")]
    [InlineData("does not answer subscribing")]
    [InlineData("fails at unsubscribing")]
    [InlineData("does not answer unsubscribing")]
    public async Task Completion_OfARunElsewhere_ComesAllTheSame(string bus)
    {
        await using var processes = new Processes();
        await using var other = await StartTwoAsync(processes);
        var troubled = (TroubledBus)other.Bus;
        troubled.FailsToUnsubscribe = bus == "fails at unsubscribing";
        troubled.HangsSubscribing = bus switch
        {
            "fails at subscribing" => Task.FromException(new BusException(ErrorCodes.BusDisconnected, "The server is gone.")),
            "does not answer subscribing" => _answer.Task,
            _ => Task.CompletedTask,
        };
        await using var handle = (await other.Engine.GetRunAsync(Run.RunId!))!;
        var completion = handle.Completion;
        troubled.HangsUnsubscribing = bus == "does not answer unsubscribing" ? _answer.Task : Task.CompletedTask;

        _release.SetResult();

        (await other.DriveAsync(completion, _step)).Status.Should().Be(WorkflowStatus.Completed);
        _answer.SetResult();
        troubled.FailsToUnsubscribe = false;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CancelAsync_OfARunElsewhere_TheWishIsStoredAllTheSame(bool isAnswered)
    {
        await using var processes = new Processes();
        await using var other = await StartTwoAsync(processes);
        var troubled = (TroubledBus)other.Bus;
        troubled.Fails = message => isAnswered && message.Type == MessageType.Control ? new IOException("reset") : null;
        troubled.HangsPublishing = _ => isAnswered ? Task.CompletedTask : _answer.Task;
        await using var handle = (await other.Engine.GetRunAsync(Run.RunId!))!;

        (await other.DriveAsync(handle.CancelAsync().AsTask(), _step)).Should().BeTrue();

        (await processes.Store.IsCancellationRequestedAsync(Run.RunId!)).Should().BeTrue();
        _answer.SetResult();
    }

    /// <summary>Asked once in vain, it is not asked at each step.</summary>
    [Fact]
    public async Task Run_NoticesAreNotAnswered_EndsAGracePeriodLater()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Bus = static environment => new TroubledBus(environment) });
        await rig.AddAllTypesAsync(static _ => TaskData.Empty);
        var asked = 0;
        ((TroubledBus)rig.Bus).HangsPublishing = message =>
        {
            asked += message.Type == MessageType.Control ? 1 : 0;
            return message.Type == MessageType.Control ? _answer.Task : Task.CompletedTask;
        };
        var begunAt = rig.Time.GetUtcNow();

        var run = await rig.DriveAsync(rig.Engine.StartWorkflowAsync(Release.ThreePhases()).AsTask(), _step);

        (await rig.DriveAsync(run.Completion, _step)).Status.Should().Be(WorkflowStatus.Completed);
        (rig.Time.GetUtcNow() - begunAt).Should().BeLessThan(TimeSpan.FromSeconds(10));
        asked.Should().Be(1);
        _answer.SetResult();
    }

    [Fact]
    public async Task DispatchTaskAsync_NoticeOfAFailureIsNotAnswered_HasFailed()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Bus = static environment => new TroubledBus(environment) });
        await rig.AddAsync(static TaskData (_) => throw new InvalidOperationException("no"));
        ((TroubledBus)rig.Bus).HangsPublishing = message => message.Type == MessageType.Error ? _answer.Task : Task.CompletedTask;

        var result = await rig.DriveAsync(rig.DispatchAsync(), _step);

        result.Status.Should().Be(AgentTaskStatus.Failed);
        rig.Logs.GetSnapshot().Should().Contain(static log => log.Id.Id == 1605);
        _answer.SetResult();
    }

    /// <summary>The run has ended and was deleted, and its id is another's, before its state is read.</summary>
    [Fact]
    public async Task Completion_IdIsUsedAgain_IsOfTheRunThatHasItAndFinal()
    {
        await using var processes = new Processes();
        var owner = await processes.StartAsync();
        var (hold, again) = (_release, new TaskCompletionSource());
        await owner.AddAsync(async (_, token) =>
        {
            await hold.Task.WaitAsync(token);
            return "done";
        });
        var first = await owner.Engine.StartWorkflowAsync(One, Run);
        HookedStore hooked = null!;
        var other = await processes.StartAsync(wrap: inner => hooked = new HookedStore(inner));
        await using var handle = (await other.Engine.GetRunAsync(Run.RunId!))!;
        hooked.BeforeState = async () =>
        {
            await owner.State.DeleteWorkflowAsync(Run.RunId!);
            hold = again;
            await owner.Engine.StartWorkflowAsync(One, Run);
        };
        var completion = handle.Completion;
        _release.SetResult();
        await owner.DriveAsync(first.Completion);
        for (var i = 0; i < 20; i++)
        {
            await Rig.SettleAsync();
            other.Time.Advance(_step);
        }

        completion.IsCompleted.Should().BeFalse();
        again.SetResult();

        (await other.DriveAsync(completion, _step)).Status.Should().Be(WorkflowStatus.Completed);
    }

    private async Task<Rig> StartTwoAsync(Processes processes)
    {
        var owner = await processes.StartAsync();
        await owner.AddAsync(async (_, token) =>
        {
            await _release.Task.WaitAsync(token);
            return "done";
        });
        await owner.Engine.StartWorkflowAsync(One, Run);
        return await Rig.StartAsync(new RigOptions
        {
            Bus = static environment => new TroubledBus(environment), State = _ => new TroubledStateManager(processes.Store),
        });
    }

    private sealed class HookedStore(StateManager inner) : DelegatingStateManager(inner)
    {
        public Func<Task>? BeforeState { get; set; }

        protected override async ValueTask<WorkflowState?> GetWorkflowStateCoreAsync(string workflowId, CancellationToken cancellationToken)
        {
            var hook = BeforeState;
            BeforeState = null;
            await (hook?.Invoke() ?? Task.CompletedTask);
            return await base.GetWorkflowStateCoreAsync(workflowId, cancellationToken);
        }
    }
}
