using System.Diagnostics;
using Conductor.Agents;
using Conductor.Messaging;
using Conductor.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Conductor.Tests.Agents;

/// <summary>What an agent's code says after it has returned, and who an agent is that nobody registered.</summary>
public sealed class LateCallTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SendBack_AfterTheCodeHasReturned_IsSaidOnce(bool hasSaidSomething)
    {
        await using var rig = await Rig.StartAsync();
        TaskContext? left = null;
        await rig.AddAsync(
            task =>
            {
                left = task;
                if (hasSaidSomething)
                {
                    task.SetMetadata("note", "in time");
                }

                return TaskData.Empty;
            },
            id: "hasty");
        var result = await rig.DispatchAsync(Rig.NewTask() with { Id = "task" });

        left!.SendBack(FeedbackSeverity.Error, "late");
        left.SetMetadata("note", "late");
        left.Fail("CODE", "late");

        (result.Feedback, result.IsSuccess).Should().Be((null, true));
        result.Metadata.GetValueOrDefault("note").Should().Be(hasSaidSomething ? "in time" : null);
        var record = rig.Logs.GetSnapshot().Where(static entry => entry.Id.Id == 1322).Should().ContainSingle().Subject;
        record.Level.Should().Be(LogLevel.Warning);
        record.Message.Should().StartWith("SendBack of agent hasty").And.Contain("task task");
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue("the agent's next attempt is another");
    }

    /// <summary>The lease goes with the attempt: what could not be fenced any more is not recorded.</summary>
    [Fact]
    public async Task OnceAsync_AfterTheCodeHasReturned_RecordsNothingForARun()
    {
        await using var rig = await Rig.StartAsync();
        var left = await LeftAsync(rig, () => rig.Engine.RunWorkflowAsync(StoreTrouble.One, StoreTrouble.Run).AsTask());
        var calls = 0;

        var act = () => left.OnceAsync("late", _ => Task.FromResult(++calls)).AsTask();

        var thrown = (await act.Should().ThrowAsync<StateException>()).Which;
        (thrown.ErrorCode, calls).Should().Be((ErrorCodes.LeaseLost, 0));
        thrown.Message.Should().ContainAll("'task'", "'run'", "'late'", "Await in RunAsync");
    }

    [Fact]
    public async Task OnceAsync_AfterTheCodeHasReturned_IsRecordedForATaskOfItsOwn()
    {
        await using var rig = await Rig.StartAsync();
        var left = await LeftAsync(rig, () => rig.DispatchAsync());

        (await left.OnceAsync("late", static _ => Task.FromResult(1))).Should().Be(1);
        (await left.OnceAsync("late", static _ => Task.FromResult(2))).Should().Be(1);
    }

    /// <summary>The clock's thread makes the result while the agent goes on: it must neither fail there, and end the process, nor hold up anybody.</summary>
    [Fact]
    public async Task SetMetadata_AsTheTimeLimitEndsTheAttempt_IsInTheResultAsFarAsItCame()
    {
        await using var rig = await Rig.StartAsync();
        var (count, isOver) = (0, false);
        await rig.AddAsync(task =>
        {
            var begunAt = Stopwatch.GetTimestamp();
            for (var i = 0; !Volatile.Read(ref isOver) && Stopwatch.GetElapsedTime(begunAt) < TimeSpan.FromSeconds(60); i++)
            {
                task.SetMetadata($"{i % 200_000}", "note");
                Volatile.Write(ref count, i);
            }

            return TaskData.Empty;
        });
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(1), Retry = new RetrySettings { MaxRetries = 0 } });
        await Rig.UntilAsync(() => Volatile.Read(ref count) > 20_000, "many notes");

        rig.Time.Advance(TimeSpan.FromSeconds(1));

        var result = await dispatch;
        Volatile.Write(ref isOver, true);
        result.Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        result.Metadata.Count.Should().BeGreaterThan(20_000);
        result.Metadata.Values.Should().OnlyContain(static value => value == "note");
    }

    [Fact]
    public async Task ExecuteTaskAsync_AgentThatKnowsItself_IsNamed()
    {
        var agent = new Reviewer(new AgentIdentity { Id = "a", Type = AgentType.Review });
        var task = new TaskContext(new TaskAssignment { Task = Rig.NewTask() });

        var result = await agent.ExecuteTaskAsync(task);

        (result.AgentId, task.AgentId, result.Feedback!.SourceAgentId, result.Output.Get<string>()).Should().Be(("a", "a", "a", "a"));
    }

    [Fact]
    public async Task ExecuteTaskAsync_AgentWithoutIdentity_IsNobody()
    {
        var task = new TaskContext(new TaskAssignment { Task = Rig.NewTask() });

        var result = await new LambdaAgent(Review).ExecuteTaskAsync(task);

        (result.AgentId, task.AgentId, result.Feedback!.SourceAgentId).Should().Be((null, string.Empty, null));
    }

    /// <summary>What the one task of a run, or of a dispatch, had, once its code has returned.</summary>
    private static async Task<TaskContext> LeftAsync(Rig rig, Func<Task> run)
    {
        TaskContext? left = null;
        await rig.AddAsync(task =>
        {
            left = task;
            return TaskData.Empty;
        });
        await run();
        return left!;
    }

    private static TaskData Review(TaskContext task)
    {
        task.SendBack(FeedbackSeverity.Info, "finding");
        return TaskData.From(task.AgentId);
    }

    private sealed class Reviewer(AgentIdentity identity) : BaseAgent(identity)
    {
        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(Review(task));
    }
}
