using Conductor.Agents;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Coordination;

/// <summary>Effects run once over all attempts and replays of their task, whatever retention has removed in between.</summary>
public sealed class EffectsOverAttemptsTests
{
    private int _charges;
    private bool _isBroken = true;

    [Fact]
    public async Task OnceAsync_ManyOthersEndBetweenTwoAttempts_RunsOnce()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Retention = new RetentionOptions { MaxTaskResults = 2 } });
        await AddOthersAsync(rig);
        await rig.AddAsync(async (task, token) =>
        {
            await ChargeAsync(task, token);
            if (task.Attempt == 1)
            {
                await EndOthersAsync(rig);
                throw new TimeoutException("after the effect");
            }

            return TaskData.Empty;
        });

        var result = await rig.DriveAsync(rig.DispatchAsync());

        (result.Status, result.Attempts, _charges).Should().Be((AgentTaskStatus.Completed, 2, 1));
    }

    /// <summary>As a mock does that nobody taught an answer.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OnceAsync_EffectGivesNoTask_FailsTheTaskAndNamesTheEffect(bool hasValue)
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (task, token) =>
        {
            if (hasValue)
            {
                await task.OnceAsync<int>("charge", static Task<int> (_) => null!, token);
            }
            else
            {
                await task.OnceAsync("charge", static Task (_) => null!, token);
            }

            return TaskData.Empty;
        });

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Id = "pay" }));

        result.Error!.Type.Should().Be(typeof(InvalidOperationException).FullName);
        result.Error.Message.Should().Contain("'charge'").And.Contain("'pay'").And.Contain("null instead of a Task");
    }

    [Theory]
    [InlineData(false, null)]
    [InlineData(false, "order")]
    [InlineData(true, null)]
    [InlineData(true, "order")]
    public async Task ReplayDeadLetterAsync_RetentionHasRemovedItsResult_DoesNotRepeatItsEffects(bool isInWorkflow, string? key)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Retention = new RetentionOptions { MaxTaskResults = 2, MaxFinishedWorkflows = 0 } });
        await AddOthersAsync(rig);
        await rig.AddAsync(async (task, token) =>
        {
            await ChargeAsync(task, token);
            return _isBroken ? throw new AgentException(ErrorCodes.TransientError, "broken") : TaskData.Empty;
        });
        var task = Rig.NewTask() with { Id = "pay", IdempotencyKey = key, Retry = new RetrySettings { MaxRetries = 0 } };
        if (isInWorkflow)
        {
            await rig.DriveAsync(rig.Engine.RunWorkflowAsync(
                new WorkflowDefinition { Name = "w", Phases = [WorkflowPhase.Development],
                    Tasks = [task] }, new WorkflowRunOptions { RunId = "run" }).AsTask());
        }
        else
        {
            await rig.DriveAsync(rig.DispatchAsync(task));
        }

        await EndOthersAsync(rig);
        (await rig.Engine.ListRunsAsync()).Items.Should().BeEmpty();
        _isBroken = false;
        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Subject;

        var replay = await rig.DriveAsync(rig.Coordinator.ReplayDeadLetterAsync(letter.Id).AsTask());

        (replay.Status, _charges).Should().Be((AgentTaskStatus.Completed, 1));
    }

    [Fact]
    public async Task OnceAsync_RunIsGoneMeanwhile_RecordsNothing()
    {
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync(Channels.Errors);
        var (begun, goOn, thrown) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource<Exception>());
        await rig.AddAsync(async (task, _) =>
        {
            begun.SetResult();
            await goOn.Task;
            try
            {
                await ChargeAsync(task, CancellationToken.None);
            }
            catch (StateException exception)
            {
                thrown.SetResult(exception);
                throw;
            }

            return TaskData.Empty;
        });
        var run = await rig.Engine.StartWorkflowAsync(
            new WorkflowDefinition { Name = "w", Phases = [WorkflowPhase.Development],
                Tasks = [Rig.NewTask() with { Id = "pay" }] }, new WorkflowRunOptions { RunId = "run" });
        await begun.Task;

        await rig.State.DeleteWorkflowAsync("run");
        goOn.SetResult();

        (await thrown.Task.WaitAsync(TimeSpan.FromSeconds(20))).Should().BeOfType<StateException>().Which.ErrorCode.Should().Be(ErrorCodes.LeaseLost);
        (await rig.State.Effects.GetAsync(new EffectKey("run", "run:pay:0", "charge"))).Should().BeNull("another run of this id would take it for its own");
        var ended = () => rig.DriveAsync(run.Completion);
        (await ended.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.LeaseLost);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
        rig.Messages.Should().BeEmpty("no task of it failed");
        _charges.Should().Be(1, "no other attempt begins");
        await run.DisposeAsync();
    }

    /// <summary>Nothing is no number, and would be taken for 0.</summary>
    [Fact]
    public async Task OnceAsync_NothingIsRecordedUnderTheKey_IsNullOrOfAnotherType()
    {
        await using var rig = await Rig.StartAsync();
        Exception? refusal = null;
        await rig.AddAsync(async (task, token) =>
        {
            await task.OnceAsync("nothing", static _ => new ValueTask<string?>((string?)null), token);
            refusal = await Record.ExceptionAsync(() => task.OnceAsync("nothing", static _ => new ValueTask<int>(42), token).AsTask());
            var text = await task.OnceAsync("nothing", static _ => new ValueTask<string?>("again"), token);
            var number = await task.OnceAsync("nothing", static _ => new ValueTask<int?>(42), token);
            var data = await task.OnceAsync("nothing", static _ => new ValueTask<TaskData>("again"), token);
            return $"{text is null} {number is null} {data.IsEmpty}";
        });

        var result = await rig.DriveAsync(rig.DispatchAsync());

        refusal.Should().BeOfType<TaskValidationException>().Which.Message.Should().ContainAll("empty", "Int32");
        result.EnsureSucceeded().Output.Get<string>().Should().Be("True True True");
    }

    private static Task<LambdaAgent> AddOthersAsync(Rig rig) => rig.AddAsync(
        static async (task, token) => TaskData.From(await task.OnceAsync("other", static _ => new ValueTask<int>(1), token)), AgentType.Monitor);

    private static async Task EndOthersAsync(Rig rig)
    {
        for (var i = 0; i < 10; i++)
        {
            (await rig.DispatchAsync(Rig.NewTask(AgentType.Monitor))).EnsureSucceeded();
        }
    }

    private async Task ChargeAsync(TaskContext task, CancellationToken cancellationToken) =>
        await task.OnceAsync("charge", _ => new ValueTask<int>(Interlocked.Increment(ref _charges)), cancellationToken);
}
