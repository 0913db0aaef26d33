using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.DependencyInjection;
using Conductor.Workflows;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Sqlite.Tests;

/// <summary>The whole library on one file, one program after the other or beside each other.</summary>
public sealed class RuntimeTests : IDisposable
{
    private static readonly WorkflowDefinition _pair = new()
    {
        Name = "pair",
        Phases = [WorkflowPhase.Development],
        Tasks =
        [
            new TaskDefinition { Id = "a", AgentType = AgentType.Coding },
            new TaskDefinition { Id = "b", AgentType = AgentType.Coding, DependsOn = ["a"] },
        ],
    };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task DeadLetter_OfAProgramThatIsGone_IsListedAndReplayedByAnother()
    {
        await using (var first = await StartAsync(static (_, _) => throw new TimeoutException("always")))
        {
            await first.Conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { Id = "t", AgentType = AgentType.Coding, Input = "what it was about" });
        }

        await using var second = await StartAsync(static (task, _) => new ValueTask<string>($"{task.Input.Get<string>()}, {task.IdempotencyKey}"));
        var letter = (await second.Conductor.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which;
        letter.Task!.Id.Should().Be("t");
        letter.Code.Should().Be(ErrorCodes.AgentTimeout);
        var result = (await second.Conductor.Coordinator.ReplayDeadLettersAsync()).Should().ContainSingle().Which;
        result.Output.Get<string>().Should().Be("what it was about, t:0");
        (await second.Conductor.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    /// <summary>All are asked about in the file first, and the answers come together.</summary>
    [Fact]
    public async Task DispatchTaskAsync_OneAfterTheOtherWithoutWaiting_TasksRunInThatOrder()
    {
        var order = new ConcurrentQueue<string>();
        var isBusy = new TaskCompletionSource();
        await using var running = await StartAsync(async (task, _) =>
        {
            order.Enqueue(task.Task.Id);
            await isBusy.Task;
            return "";
        });
        var ids = Enumerable.Range(0, 40).Select(static number => $"{number:00}").ToList();
        var dispatches =
            new List<Task> { running.Conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { Id = "busy", AgentType = AgentType.Coding }).AsTask() };
        SpinWait.SpinUntil(() => !order.IsEmpty, TimeSpan.FromSeconds(20)).Should().BeTrue();

        dispatches.AddRange(
            ids.Select(id => running.Conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { Id = id, AgentType = AgentType.Coding }).AsTask()));
        SpinWait.SpinUntil(() => running.Conductor.Coordinator.WaitingTasks == 40, TimeSpan.FromSeconds(20)).Should().BeTrue();
        isBusy.SetResult();
        await Task.WhenAll(dispatches);

        order.Should().Equal(["busy", .. ids]);
    }

    [Fact]
    public async Task StartWorkflow_OfAnIdThatRan_GivesTheRunThatRan()
    {
        var runs = 0;
        for (var program = 0; program < 2; program++)
        {
            await using var running = await StartAsync((_, _) => new ValueTask<string>($"{++runs}"));
            var run = await running.Conductor.Workflows.StartWorkflowAsync(_pair, new WorkflowRunOptions { RunId = "run" });
            var state = await run.Completion;
            state.Status.Should().Be(WorkflowStatus.Completed);
            state.TaskResults["b"].Output.Get<string>().Should().Be("2");
        }

        runs.Should().Be(2);
    }

    /// <summary>Not after a crash, when the first task of a run was read again.</summary>
    [Fact]
    public async Task StartConductor_AgentWhosePayloadCannotBeReadAgain_SaysSoAtStart()
    {
        var services = new ServiceCollection();
        services.AddConductor()
            .AddAgent("shape", static (IDisposable _, TaskContext _, CancellationToken _) => ValueTask.FromResult(1))
            .AddAgent("callback", static (Callback _, TaskContext _, CancellationToken _) => ValueTask.FromResult(1))
            .UseSqlite(_folder.ConnectionString);
        await using var provider = services.BuildServiceProvider();
        var act = () => provider.StartConductorAsync();
        (await act.Should().ThrowAsync<TaskValidationException>()).Which.Message.Should()
            .ContainAll("cannot write and read", typeof(IDisposable).ToString(), "an interface", $"{typeof(Callback)}.Done, a {typeof(Action)}");
    }

    /// <summary>JSON has no NaN: what cannot be written fails its task, and the agent does not run for ever.</summary>
    [Fact]
    public async Task Output_ThatCannotBeWritten_FailsItsTaskOnce()
    {
        var runs = 0;
        var services = new ServiceCollection();
        services.AddConductor().UseSqlite($"Data Source={_folder.Database}").AddAgent<double>(AgentType.Coding, (_, _) =>
        {
            Interlocked.Increment(ref runs);
            return new ValueTask<double>(double.NaN);
        });
        await using var provider = services.BuildServiceProvider();
        var conductor = await provider.StartConductorAsync();

        var state = await conductor.Workflows.RunWorkflowAsync(_pair);

        runs.Should().Be(1);
        state.Status.Should().Be(WorkflowStatus.Failed);
        (state.TaskResults["a"].Status, state.TaskResults["a"].Error!.Code).Should().Be((AgentTaskStatus.Failed, ErrorCodes.TaskValidationFailed));
        state.TaskResults["a"].Error!.Message.Should().Contain("NaN");
        state.TaskResults["b"].Status.Should().Be(AgentTaskStatus.Blocked);
    }

    [Fact]
    public async Task DispatchTask_OutputThatCannotBeWritten_IsAFailedResultThatIsRecorded()
    {
        var services = new ServiceCollection();
        services.AddConductor().UseSqlite(_folder.ConnectionString).AddAgent<double>(AgentType.Coding, static (_, _) => new ValueTask<double>(double.NaN));
        await using var provider = services.BuildServiceProvider();
        var conductor = await provider.StartConductorAsync();

        var result = await conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { Id = "t", AgentType = AgentType.Coding });

        (result.Status, result.Error!.Code).Should().Be((AgentTaskStatus.Failed, ErrorCodes.TaskValidationFailed));
        (await conductor.State.GetTaskResultAsync("t"))!.Status.Should().Be(AgentTaskStatus.Failed);
    }

    [Fact]
    public async Task ReplayDeadLetter_OutputThatCannotBeWritten_IsAFailedResult()
    {
        var runs = 0;
        var services = new ServiceCollection();
        services.AddConductor(static conductor => conductor.Retry.MaxRetries = 0).UseSqlite(_folder.ConnectionString)
            .AddAgent<double>(AgentType.Coding, (_, _) => ++runs == 1 ? throw new TimeoutException() : new ValueTask<double>(double.NaN));
        await using var provider = services.BuildServiceProvider();
        var conductor = await provider.StartConductorAsync();
        await conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { Id = "t", AgentType = AgentType.Coding });

        var result = (await conductor.Coordinator.ReplayDeadLettersAsync()).Should().ContainSingle().Which;

        (result.Status, result.Error!.Code, runs).Should().Be((AgentTaskStatus.Failed, ErrorCodes.TaskValidationFailed, 2));
        (await conductor.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle("it has not succeeded");
    }

    /// <summary>What an application's type does when it is read (a navigation that is not loaded, say) is no trouble with the store.</summary>
    [Fact]
    public async Task DeadLetter_OfAnInputThatThrowsWhenItIsRead_IsKeptWithoutIt()
    {
        await using var running = await StartAsync(static (_, _) => throw new TimeoutException("the real reason"));

        await running.Conductor.Coordinator.DispatchTaskAsync(
            new TaskDefinition { Id = "t", AgentType = AgentType.Coding, Input = TaskData.From(new NotLoaded()),
                Retry = new RetrySettings { MaxRetries = 0 } });

        var letter = (await running.Conductor.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which;
        (letter.Task!.Id, letter.Task.Input.IsEmpty).Should().Be(("t", true));
    }

    [Fact]
    public async Task StartWorkflow_WithAnInputThatThrowsWhenItIsRead_IsRefusedAndTheIdIsFree()
    {
        await using var running = await StartAsync(static (_, _) => new ValueTask<string>("done"));
        var bad = _pair with { Tasks = [_pair.Tasks[0] with { Input = TaskData.From(new NotLoaded()) }, _pair.Tasks[1]] };

        var refused = await FluentActions.Awaiting(() => running.Conductor.Workflows.StartWorkflowAsync(bad, new WorkflowRunOptions { RunId = "run" }).AsTask())
            .Should().ThrowAsync<TaskValidationException>();

        refused.Which.Message.Should().Contain("not loaded");
        (await running.Conductor.State.Leases.GetAsync("workflow:run")).Should().BeNull();
        (await running.Conductor.Workflows.RunWorkflowAsync(_pair, new WorkflowRunOptions { RunId = "run" })).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task DeadLetter_OfAnInputThatCannotBeWritten_IsKeptWithoutIt()
    {
        await using var running = await StartAsync(static (_, _) => throw new TimeoutException("the real reason"));

        var result = await running.Conductor.Coordinator.DispatchTaskAsync(
            new TaskDefinition { Id = "t", AgentType = AgentType.Coding, Input = TaskData.From(double.NaN), Retry = new RetrySettings { MaxRetries = 0 } });

        result.Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        var letter = (await running.Conductor.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which;
        (letter.Task!.Id, letter.Task.Input.IsEmpty).Should().Be(("t", true));
        letter.Message.Should().Contain("the real reason");
    }

    [Fact]
    public async Task Input_ThatCannotBeWritten_IsRefusedAndTheIdIsFreeAtOnce()
    {
        await using var running = await StartAsync(static (_, _) => new ValueTask<string>("done"));
        var bad = _pair with { Tasks = [_pair.Tasks[0] with { Input = TaskData.From(double.NaN) }] };
        await FluentActions.Awaiting(() => running.Conductor.Workflows.StartWorkflowAsync(bad, new WorkflowRunOptions { RunId = "run" }).AsTask())
            .Should().ThrowAsync<TaskValidationException>();

        (await running.Conductor.State.Leases.GetAsync("workflow:run")).Should().BeNull();
        (await running.Conductor.Workflows.RunWorkflowAsync(_pair, new WorkflowRunOptions { RunId = "run" })).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task Program_ThatStopsInTheMiddle_HandsOverToTheNextAtOnce()
    {
        var begun = new TaskCompletionSource();
        await using (var first = await StartAsync(async (task, token) =>
        {
            if (task.Task.Id == "b")
            {
                begun.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, token);
            }

            return "first";
        }))
        {
            await first.Conductor.Workflows.StartWorkflowAsync(_pair, new WorkflowRunOptions { RunId = "run" });
            await begun.Task;
            await first.Conductor.StopAsync(new CancellationToken(canceled: true));
        }

        await using var second = await StartAsync(static (task, _) => new ValueTask<string>($"second, delivery {task.Delivery}"));
        second.Conductor.Workflows.RunningWorkflows.Should().Equal("run");
        var state = await (await second.Conductor.Workflows.GetRunAsync("run"))!.Completion;
        state.TaskResults["a"].Output.Get<string>().Should().Be("first");
        state.TaskResults["b"].Output.Get<string>().Should().Be("second, delivery 1");
    }

    [Fact]
    public async Task Run_OfAnotherProgram_IsWatchedAndCancelledByItsId()
    {
        await using var owner = await StartAsync(static async (_, token) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return "never";
        });
        await owner.Conductor.Workflows.StartWorkflowAsync(_pair, new WorkflowRunOptions { RunId = "run" });
        await using var other = await StartAsync(static (_, _) => new ValueTask<string>("other"));
        var run = (await other.Conductor.Workflows.GetRunAsync("run"))!;
        other.Conductor.Workflows.RunningWorkflows.Should().BeEmpty();
        (await run.CancelAsync()).Should().BeTrue();
        (await run.Completion).Status.Should().Be(WorkflowStatus.Cancelled);
    }

    [Fact]
    public async Task PayloadsOfOnesOwn_SurviveAsWhatTheyWere()
    {
        await using (var first = await StartAsync(static (_, _) => new ValueTask<string>("unused")))
        {
            first.Conductor.State.Durability.Should().Be(DurabilityLevel.PowerLoss);
            await first.Conductor.State.SaveTaskResultAsync(Records.Result("t") with { Output = TaskData.From(new Order("book", 3)) });
        }

        await using var second = await StartAsync(static (_, _) => new ValueTask<string>("unused"));
        (await second.Conductor.State.GetTaskResultAsync("t"))!.Output.Get<Order>().Should().Be(new Order("book", 3));
    }

    private async Task<Program> StartAsync(Func<Conductor.Agents.TaskContext, CancellationToken, ValueTask<string>> run)
    {
        var services = new ServiceCollection();
        services.AddConductor(static options =>
        {
            options.Retry.InitialDelay = TimeSpan.FromMilliseconds(1);
            options.Workflows.LeaseDuration = TimeSpan.FromSeconds(3);
            options.Workflows.PollInterval = options.Workflows.RecoveryInterval = TimeSpan.FromMilliseconds(50);
        }).AddAgent(AgentType.Coding, run).UseSqlite(_folder.ConnectionString);
        var provider = services.BuildServiceProvider();
        return new Program(provider, await provider.StartConductorAsync());
    }

    private sealed record Order(string What, int Count);

    private sealed record Program(ServiceProvider Provider, ConductorRuntime Conductor) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Provider.DisposeAsync();
    }

    private sealed class NotLoaded
    {
        public string Name { get; } = "order";

        public int Lines => throw new InvalidOperationException($"The lines of {Name} are not loaded.");
    }

    private sealed record Callback(string Name, Action Done);
}
