using System.Text.Json;
using Conductor.Agents;
using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Agents;

public sealed class AgentTests
{
    private static TaskContext ContextOf(TaskDefinition? task = null) =>
        new(new TaskAssignment { Task = task ?? Rig.NewTask(), IdempotencyKey = "k" });

    /// <summary>What the code left running goes on with the token that it was given.</summary>
    [Fact]
    public async Task RunAsync_TokenOfATaskThatWaited_IsNoneOfTheNextTask()
    {
        await using var rig = await Rig.StartAsync();
        var (first, runs, running) = (CancellationToken.None, 0, new TaskCompletionSource());
        await rig.AddAsync(async (_, token) =>
        {
            if (Interlocked.Increment(ref runs) == 1)
            {
                first = token;
                await Task.Yield();
                return "done";
            }

            running.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return "never";
        });
        await rig.DispatchAsync();
        using var cancellation = new CancellationTokenSource();
        var second = rig.DispatchAsync(cancellationToken: cancellation.Token);
        await running.Task;

        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => second).Should().ThrowAsync<OperationCanceledException>();
        first.IsCancellationRequested.Should().BeFalse();
    }

    [Fact]
    public async Task ExecuteTaskAsync_ByHand_GivesAResult()
    {
        var agent = new LambdaAgent(task => TaskData.From(task.Input.Get<int>() + 1));

        var result = await agent.ExecuteTaskAsync(ContextOf(Rig.NewTask() with { Input = TaskData.From(1) }));

        (result.Status, result.Output.Get<int>(), result.Attempts).Should().Be((AgentTaskStatus.Completed, 2, 1));
    }

    [Fact]
    public async Task ExecuteTaskAsync_Throws_IsARecordNeverAnException()
    {
        var agent = new LambdaAgent(_ => throw new HttpRequestException("slow down", null, System.Net.HttpStatusCode.TooManyRequests));

        var result = await agent.ExecuteTaskAsync(ContextOf());

        (result.Status, result.Error!.Code, result.Error.Type).Should().Be((AgentTaskStatus.Failed, "LLM_RATE_LIMIT", "System.Net.Http.HttpRequestException"));
    }

    [Fact]
    public async Task ExecuteTaskAsync_Cancelled_IsNoFailure()
    {
        var agent = new LambdaAgent(async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });

        (await agent.ExecuteTaskAsync(ContextOf(), new CancellationToken(true))).Status.Should().Be(AgentTaskStatus.Cancelled);
    }

    [Fact]
    public async Task TypedAgent_WrongInput_FailsValidationNamingBothTypes()
    {
        var agent = new Doubler();

        var result = await agent.ExecuteTaskAsync(ContextOf(Rig.NewTask() with { Input = "four" }));

        result.Error!.Code.Should().Be("TASK_VALIDATION_FAILED");
        result.Error.Message.Should().ContainAll("System.String", "System.Int32");
        (await agent.ExecuteTaskAsync(ContextOf(Rig.NewTask() with { Input = TaskData.From(4) }))).Output.Get<int>().Should().Be(8);
    }

    [Fact]
    public async Task TaskContext_ByHand_WorksWithoutBusStoreAndServices()
    {
        var agent = new LambdaAgent(async (task, token) =>
        {
            task.ReportProgress(50);
            await task.SendAsync("somebody", TaskData.From(1), token);
            task.SetMetadata("tokens", "12");
            return TaskData.From(await task.OnceAsync("effect", _ => new ValueTask<int>(3), token));
        });

        var result = await agent.ExecuteTaskAsync(ContextOf());

        (result.Output.Get<int>(), result.Metadata["tokens"]).Should().Be((3, "12"));
        FluentActions.Invoking(() => ContextOf().Services).Should().Throw<InvalidOperationException>().WithMessage("*AddConductor()*");
    }

    [Fact]
    public void Output_OfATaskItDoesNotDependOn_SaysHowToDependOnIt()
    {
        FluentActions.Invoking(() => ContextOf().Output<string>("code")).Should().Throw<TaskValidationException>().WithMessage("*After(\"code\")*");
        FluentActions.Invoking(() => ContextOf(Rig.NewTask() with { DependsOn = ["code"] }).Output<string>("code"))
            .Should().Throw<TaskValidationException>().WithMessage("*HasOutput*");
    }

    /// <summary>Its author asked for nothing: to look at IsEmpty is no advice.</summary>
    [Fact]
    public async Task ExecuteTaskAsync_TypedAgentWithoutInput_SaysWhatTheTaskOrTheAgentNeeds()
    {
        var agent = new Doubler(new AgentIdentity { Id = "d", Type = AgentType.Coding });

        var result = await agent.ExecuteTaskAsync(ContextOf(Rig.NewTask() with { Id = "double" }));

        result.Error!.Code.Should().Be(ErrorCodes.TaskValidationFailed);
        result.Error.Message.Should().StartWith("Task 'double' has no input, and its agent takes a Int32. Give the task an input, ")
            .And.Contain("BaseAgent").And.NotContain("IsEmpty");
    }

    [Fact]
    public void Identity_Name_FallsBackToId()
    {
        new AgentIdentity { Id = "a", Type = AgentType.Coding }.Name.Should().Be("a");
        new LambdaAgent(_ => TaskData.Empty).HasIdentity.Should().BeFalse();
    }

    [Fact]
    public async Task RegisterAgentAsync_AgentThatKnowsItsIdentity_KeepsIt()
    {
        await using var rig = await Rig.StartAsync();
        var agent = new Doubler(new AgentIdentity { Id = "d", Type = AgentType.Coding, Name = "Doubler", Version = "2" });
        await rig.Coordinator.RegisterAgentAsync(agent);

        (await rig.DispatchAsync(Rig.NewTask() with { Input = TaskData.From(4) })).AgentId.Should().Be("d");
        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Should().Equal(agent);
    }

    [Theory]
    [InlineData(-5, 0)]
    [InlineData(50, 50)]
    [InlineData(150, 100)]
    [InlineData(double.PositiveInfinity, 100)]
    [InlineData(double.NaN, 0)]
    public async Task ReportProgress_OutsideWorkflows_GoesToTheStatusChannel(double reported, double progress)
    {
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync(Channels.Status);
        await rig.AddAsync(task =>
        {
            task.ReportProgress(reported, "starting");
            return TaskData.Empty;
        }, id: "a");
        var task = Rig.NewTask();
        await rig.DispatchAsync(task);

        await Rig.UntilAsync(() => rig.Messages.Count == 1, "the report");
        rig.Messages.Single().Message.Payload.Should().Be(
            new StatusUpdate { AgentId = "a", Status = AgentStatus.Running, TaskId = task.Id, Progress = progress, Text = "starting" });
    }

    [Fact]
    public async Task TypedAgent_InputRefusesItself_FailsValidation()
    {
        await using var rig = await Rig.StartAsync();
        await rig.Coordinator.RegisterAgentAsync(new Picky(), AgentType.Coding, "p");

        var result = await rig.DispatchAsync(Rig.NewTask() with { Input = TaskData.FromJson(JsonSerializer.SerializeToElement(new { Value = 500 })) });

        (result.Error!.Code, result.Attempts).Should().Be(("TASK_VALIDATION_FAILED", 1));
        result.Error.Message.Should().ContainAll("JSON", nameof(Percent), "too much");
    }

    [Fact]
    public void Services_ContextMadeByHand_SaysSo() =>
        FluentActions.Invoking(() => ContextOf().Services).Should().Throw<InvalidOperationException>().WithMessage("*context was made by hand*");

    [Fact]
    public void SendBack_UndefinedSeverity_IsRefused()
    {
        FluentActions.Invoking(() => ContextOf().SendBack((FeedbackSeverity)42, "f")).Should().Throw<ArgumentException>()
            .WithParameterName("severity").WithMessage("*42*Info, Warning*");
        FluentActions.Invoking(() => ContextOf().SendBack(new Feedback { Severity = (FeedbackSeverity)42 }))
            .Should().Throw<ArgumentException>().WithParameterName("feedback").WithMessage("Feedback.Severity is 42*Info, Warning*");
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public async Task OnceAsync_BlankKey_IsNamed(string key)
    {
        await using var rig = await Rig.StartAsync();
        Exception? thrown = null;
        await rig.AddAsync(async (task, token) =>
        {
            thrown = (
                await FluentActions.Awaiting(() => task.OnceAsync(key, _ => new ValueTask<int>(1), token).AsTask()).Should()
                .ThrowAsync<ArgumentException>()).Which;
            return TaskData.Empty;
        });

        await rig.DispatchAsync();

        thrown.Should().BeOfType<ArgumentException>().Which.ParamName.Should().Be("key");
        thrown!.Message.Should().StartWith("key is empty");
    }

    private sealed class Doubler : BaseAgent<int, int>
    {
        public Doubler()
        {
        }

        public Doubler(AgentIdentity identity)
            : base(identity)
        {
        }

        protected override ValueTask<int> RunAsync(int input, TaskContext task, CancellationToken cancellationToken) => new(input * 2);
    }

    private sealed record Percent
    {
        public Percent(int value) => Value = value <= 100 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "too much");

        public int Value { get; }
    }

    private sealed class Picky : BaseAgent<Percent, int>
    {
        protected override ValueTask<int> RunAsync(Percent input, TaskContext task, CancellationToken cancellationToken) => new(input.Value);
    }
}
