using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>An engine that stops while agents await runs of it, or start them: what fails of that has not failed by itself.</summary>
public sealed class NestedStopTests
{
    private static readonly WorkflowDefinition _parent = WorkflowDefinition.Create("parent")
        .Phase(WorkflowPhase.Development, static phase => phase.Task("p", AgentType.Coding)).Build();
    private static readonly WorkflowDefinition _child = WorkflowDefinition.Create("child").Phase(WorkflowPhase.DevOps, static phase =>
    {
        phase.Task("c1", AgentType.Test);
        phase.Task("c2", AgentType.Test).After("c1");
    }).Build();

    public static TheoryData<string> WaysToFail => ["as it is", "wrapped", "aggregate", "deep"];

    [Theory]
    [MemberData(nameof(WaysToFail))]
    public async Task StopAsync_AgentAwaitsARunOfTheEngine_BothGoOnInTheNextLife(string how)
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync();
        var (begun, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(async (task, token) =>
        {
            try
            {
                var child = await rig.Engine.RunWorkflowAsync(_child, new() { RunId = task.IdempotencyKey }, token);
                return TaskData.From(child.Status.ToString());
            }
            catch (StateException exception) when (how != "as it is")
            {
                throw how switch
                {
                    "wrapped" => new InvalidOperationException("no child", exception),
                    "aggregate" => new AggregateException(new FormatException("another"), exception),
                    _ => new InvalidOperationException("no child", new AggregateException(new FormatException("another", exception))),
                };
            }
        });
        await AddHeldAsync(rig, begun, release);
        await using var run = await rig.Engine.StartWorkflowAsync(_parent, new() { RunId = "r" });
        await begun.Task;

        var stop = rig.Engine.StopAsync().AsTask();
        release.SetResult();
        await rig.DriveAsync(stop);

        (await FluentActions.Awaiting(() => run.Completion).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be("LEASE_LOST");
        var state = (await processes.Store.GetWorkflowStateAsync("r"))!;
        (state.Status, state.TaskResults.Count, state.ErrorLog.Count).Should().Be((WorkflowStatus.Waiting, 0, 0));
        rig.Logs.GetSnapshot().Should().ContainSingle(static log => log.Id.Id == 1363);
        await ShouldCompleteInTheNextLifeAsync(processes);
    }

    [Fact]
    public async Task StopAsync_AgentStartsARunOnlyThen_TheTaskIsGivenBack()
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync();
        var (begun, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(async (task, token) =>
        {
            begun.TrySetResult();
            await release.Task;
            var child = await rig.Engine.RunWorkflowAsync(_child, new() { RunId = task.IdempotencyKey }, token);
            return TaskData.From(child.Status.ToString());
        });
        await using var run = await rig.Engine.StartWorkflowAsync(_parent, new() { RunId = "r" });
        await begun.Task;

        var stop = rig.Engine.StopAsync().AsTask();
        release.SetResult();
        await rig.DriveAsync(stop);

        var state = (await processes.Store.GetWorkflowStateAsync("r"))!;
        (state.Status, state.TaskResults.Count).Should().Be((WorkflowStatus.Waiting, 0));
        (await rig.Coordinator.GetAgentStatusAsync("agent-1"))!.ErrorCount.Should().Be(0, "nobody failed");
        await ShouldCompleteInTheNextLifeAsync(processes);
    }

    /// <summary>Its token is cancelled by the stop, not by whoever wants the child to end.</summary>
    [Fact]
    public async Task StopAsync_TimeIsUpWhileAnAgentAwaitsARun_TheChildIsNotCancelled()
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync();
        var begun = new TaskCompletionSource();
        await rig.AddAsync(async (task, token) =>
        {
            var child = await rig.Engine.RunWorkflowAsync(_child, new() { RunId = task.IdempotencyKey }, token);
            return TaskData.From(child.Status.ToString());
        });
        await rig.AddAsync(
            async (_, token) =>
            {
                begun.TrySetResult();
                await Task.Delay(Timeout.Infinite, token);
                return TaskData.Empty;
            },
            AgentType.Test);
        await using var run = await rig.Engine.StartWorkflowAsync(_parent, new() { RunId = "r" });
        await begun.Task;

        await rig.DriveAsync(rig.Engine.StopAsync(new CancellationToken(canceled: true)).AsTask());

        (await processes.Store.GetWorkflowStateAsync("r"))!.Status.Should().Be(WorkflowStatus.Waiting);
        await ShouldCompleteInTheNextLifeAsync(processes);
    }

    [Fact]
    public async Task StopAsync_TaskFailsByItselfMeanwhile_IsRecorded()
    {
        await using var rig = await Rig.StartAsync();
        var (begun, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(async (_, _) =>
        {
            begun.TrySetResult();
            await release.Task;
            throw new StateException(ErrorCodes.LeaseLost, "a lease of the application's own");
        });
        await using var run = await rig.Engine.StartWorkflowAsync(_parent, new() { RunId = "r" });
        await begun.Task;

        var stop = rig.Engine.StopAsync().AsTask();
        release.SetResult();
        await rig.DriveAsync(stop);

        (await run.Completion).TaskResults["p"].Error!.Message.Should().Be("a lease of the application's own");
    }

    [Fact]
    public async Task StopAsync_TaskOutsideRunsAwaitsARun_ItsCallerIsToldAndNothingIsRecorded()
    {
        await using var rig = await Rig.StartAsync();
        var (begun, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(async (_, token) => TaskData.From((await rig.Engine.RunWorkflowAsync(_child, cancellationToken: token)).Status.ToString()));
        await AddHeldAsync(rig, begun, release);
        var task = Rig.NewTask();
        var dispatch = rig.DispatchAsync(task);
        await begun.Task;

        var stop = rig.Engine.StopAsync().AsTask();
        release.SetResult();
        await rig.DriveAsync(stop);

        (await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<NoAvailableAgentException>()).Which.Message.Should().Contain("handed over");
        (await rig.State.GetTaskResultAsync(task.Id)).Should().BeNull();
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    /// <summary>An engine that goes on would begin the task again and again.</summary>
    [Fact]
    public async Task StopAsync_OfAnotherEngineThanTheTasks_TheTaskFails()
    {
        await using var rig = await Rig.StartAsync();
        await using var other = new WorkflowEngine(rig.Coordinator, rig.State, rig.Policies, environment: rig.Environment);
        await rig.AddAsync(async (_, token) => TaskData.From((await other.RunWorkflowAsync(_child, cancellationToken: token)).Status.ToString()));
        await other.StopAsync();

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(_parent).AsTask());

        state.TaskResults["p"].Error!.Message.Should().Contain("engine was stopped");
    }

    private static async Task ShouldCompleteInTheNextLifeAsync(Processes processes)
    {
        var heir = await processes.StartAsync();
        await heir.AddAsync(async (task, token) =>
        {
            var child = await heir.Engine.RunWorkflowAsync(_child, new() { RunId = task.IdempotencyKey }, token);
            return TaskData.From(child.Status.ToString());
        });
        await heir.AddAsync(static _ => TaskData.Empty, AgentType.Test);
        await heir.Engine.RecoverAsync();
        var state = await heir.DriveAsync((await heir.Engine.GetRunAsync("r"))!.Completion);
        (state.Status, state.TaskResults["p"].Output.Get<string>()).Should().Be((WorkflowStatus.Completed, "Completed"));
    }

    /// <summary>An agent of the child's type that says when it has begun, and waits.</summary>
    private static Task<LambdaAgent> AddHeldAsync(Rig rig, TaskCompletionSource begun, TaskCompletionSource release) => rig.AddAsync(
        async (_, _) =>
        {
            begun.TrySetResult();
            await release.Task;
            return TaskData.Empty;
        },
        AgentType.Test);
}
