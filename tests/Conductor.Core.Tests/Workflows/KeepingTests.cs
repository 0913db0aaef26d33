using Conductor.Messaging;
using Conductor.Tests.Support;
using Conductor.Workflows;
using static Conductor.Tests.Support.StoreTrouble;

namespace Conductor.Tests.Workflows;

/// <summary>Results and dead letters of a store that fails now and then, or can never write one: nothing is lost, and nobody is held up.</summary>
public sealed class KeepingTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Result_TheStoreCannotWriteDown_FailsItsTaskAloneAndOnce(bool optional)
    {
        await using var processes = new Processes();
        var runs = 0;
        var (rig, store) = await StartAsync(processes, (_, _) =>
        {
            Interlocked.Increment(ref runs);
            return new ValueTask<TaskData>("done");
        });
        store.Trouble["EnsureCanSave"] = static () => throw new TaskValidationException("no JSON for this");
        await rig.FollowAsync(Channels.Errors, Channels.DeadLetters);

        var state = await rig.Engine.RunWorkflowAsync(One with { Tasks = [One.Tasks[0] with { Optional = optional }] }, Run);

        runs.Should().Be(1);
        var result = state.TaskResults["task"];
        (result.Status, result.Error!.Code, result.Output.IsEmpty).Should()
            .Be((optional ? AgentTaskStatus.Skipped : AgentTaskStatus.Failed, ErrorCodes.TaskValidationFailed, true));
        state.Status.Should().Be(optional ? WorkflowStatus.Completed : WorkflowStatus.Failed);
        rig.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1203);
        await Rig.UntilAsync(() => rig.Messages.Count == (optional ? 0 : 1), "the escalation");
        rig.Messages.Select(static message => (message.Channel, ((ErrorPayload)message.Message.Payload!).Code)).Should()
            .Equal(optional ? [] : [(Channels.Errors, ErrorCodes.TaskValidationFailed)]);
    }

    [Fact]
    public async Task DeadLetter_CannotBeKeptNow_IsKeptWhenTheStoreWorks()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => throw new AgentException(ErrorCodes.TransientError, "the real reason"));
        var failures = 0;
        store.Trouble["SaveDeadLetterAsync"] = () => ++failures < 4 ? Unavailable() : Task.CompletedTask;

        var state = await rig.DriveAsync(
            rig.Engine.RunWorkflowAsync(One with { Tasks = [One.Tasks[0] with { Retry = new RetrySettings { MaxRetries = 0 } }] }, Run).AsTask());

        state.TaskResults["task"].Error!.Message.Should().Contain("the real reason");
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which.Message.Should().Contain("the real reason");
    }

    [Fact]
    public async Task DeadLetter_CanNeverBeKept_TheTaskEndsWithItsOwnErrorAndTheLogHasIt()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => throw new AgentException(ErrorCodes.TransientError, "the real reason"));
        store.Trouble["SaveDeadLetterAsync"] = Unavailable;

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } }), TimeSpan.FromSeconds(5));

        (result.Status, result.Error!.Code, result.AgentId is null).Should().Be((AgentTaskStatus.Failed, ErrorCodes.TransientError, false));
        rig.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1608 && record.Message.Contains("the real reason"));
    }

    /// <summary>Paused for so long that another owner has the task by now: its failure is nobody's business any more.</summary>
    [Fact]
    public async Task DeadLetter_OfATaskThatAnotherOwnerHas_IsNotWritten()
    {
        await using var processes = new Processes();
        var release = new TaskCompletionSource();
        var (paused, store) = await StartAsync(processes, async (_, _) =>
        {
            await release.Task;
            throw new AgentException(ErrorCodes.TransientError, "too late");
        });
        await using var run = await paused.Engine.StartWorkflowAsync(
            One with { Tasks = [One.Tasks[0] with { Retry = new RetrySettings { MaxRetries = 0 } }] }, Run);
        await Rig.UntilAsync(() => paused.Coordinator.RunningTasks == 1, "the task to run");
        processes.LetLeasesRunOut();
        var (heir, _) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        (await heir.Engine.RecoverAsync()).Should().Be(1);

        // What renews the lease regularly is still on its way to the store when the task fails.
        var renewal = new TaskCompletionSource();
        store.Trouble["TryRenewAsync"] = () => renewal.Task;
        paused.Time.Advance(WorkflowOptions.DefaultLeaseDuration * 0.7);
        store.Trouble.Clear();
        release.SetResult();
        var act = () => paused.DriveAsync(run.Completion);

        (await act.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.LeaseLost);
        renewal.SetResult();
        (await heir.DriveAsync((await heir.Engine.GetRunAsync("run"))!.Completion)).Status.Should().Be(WorkflowStatus.Completed);
        (await paused.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    /// <summary>The clock stands still: nobody has to wait for the store who does not want to.</summary>
    [Theory]
    [InlineData("the next task")]
    [InlineData("a cancelled dispatch")]
    [InlineData("a stop")]
    [InlineData("a cancelled run")]
    public async Task DeadLetter_CannotBeKeptNow_HoldsNobodyUp(string who)
    {
        await using var processes = new Processes();
        var runs = 0;
        var (rig, store) = await StartAsync(
            processes, (_, _) => ++runs == 1 ? throw new AgentException(ErrorCodes.TransientError, "busy") : new ValueTask<TaskData>("done"));
        var asked = new TaskCompletionSource();
        store.Trouble["SaveDeadLetterAsync"] = () =>
        {
            asked.TrySetResult();
            return Unavailable();
        };
        using var cancellation = new CancellationTokenSource();
        var task = Rig.NewTask() with { Id = "task", Retry = new RetrySettings { MaxRetries = 0 } };
        await using var run = who == "a cancelled run" ? await rig.Engine.StartWorkflowAsync(One with { Tasks = [task] }, Run) : null;
        var dispatch = run is null ? rig.DispatchAsync(task, cancellation.Token) : null;
        await asked.Task;

        switch (who)
        {
            case "the next task":
                (await rig.DispatchAsync().WaitAsync(Limit)).IsSuccess.Should().BeTrue();
                break;
            case "a cancelled dispatch":
                await cancellation.CancelAsync();
                (await dispatch!.WaitAsync(Limit)).Error!.Code.Should().Be(ErrorCodes.TransientError, "it failed before");
                break;
            case "a stop":
                await rig.Coordinator.StopAsync(new CancellationToken(canceled: true)).AsTask().WaitAsync(Limit);
                break;
            default:
                await run!.CancelAsync();
                (await run.Completion.WaitAsync(Limit)).Status.Should().Be(WorkflowStatus.Cancelled);
                break;
        }
    }

    /// <summary>A task that ran must not run again because the store had a bad moment.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Result_CannotBeSavedNow_IsSavedWhenTheStoreWorks(bool throwsAtOnce)
    {
        await using var processes = new Processes();
        var runs = 0;
        var (rig, store) = await StartAsync(processes, (_, _) => new ValueTask<TaskData>(TaskData.From(++runs)));
        var failures = 0;
        (throwsAtOnce ? store.TroubleAtOnce : store.Trouble)["SaveTaskResultAsync"] = () => ++failures < 4 ? Unavailable() : Task.CompletedTask;
        var task = Rig.NewTask() with { Id = "task" };

        var result = await rig.DriveAsync(rig.DispatchAsync(task));

        (await rig.DispatchAsync(task)).Should().Be(result, "it is recorded");
        (runs, failures).Should().Be((1, 4));
    }

    [Fact]
    public async Task Result_TheStoreDoesNotAnswer_IsSavedAnew()
    {
        await using var processes = new Processes();
        var runs = 0;
        var (rig, store) = await StartAsync(processes, (_, _) => new ValueTask<TaskData>(TaskData.From(++runs)));
        var (asked, unanswered) = (0, new TaskCompletionSource());
        store.Trouble["SaveTaskResultAsync"] = () => ++asked == 1 ? unanswered.Task : Task.CompletedTask;
        var task = Rig.NewTask() with { Id = "task" };

        var result = await rig.DriveAsync(rig.DispatchAsync(task), TimeSpan.FromSeconds(5));

        (await rig.DispatchAsync(task)).Should().Be(result, "it is recorded");
        (runs, asked).Should().Be((1, 2));
    }

    /// <summary>Nobody can say whether it was saved: what the store says of it later is logged.</summary>
    [Fact]
    public async Task Result_TheStoreNeverAnswers_HoldsNobodyBeyondItsCancellation()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        var (asked, unanswered) = (new TaskCompletionSource(), new TaskCompletionSource());
        store.Trouble["SaveTaskResultAsync"] = () =>
        {
            asked.TrySetResult();
            return unanswered.Task;
        };
        using var cancellation = new CancellationTokenSource();
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Id = "task" }, cancellation.Token);
        await asked.Task;
        await cancellation.CancelAsync();

        var thrown = (await FluentActions.Awaiting(() => rig.DriveAsync(dispatch)).Should().ThrowAsync<StateException>()).Which;

        (thrown.ErrorCode, thrown.IsTransient).Should().Be((ErrorCodes.StateUnavailable, true));
        thrown.Message.Should().ContainAll("did not answer in time", "result of task 'task'", "under the same id");
        unanswered.SetException(new IOException("gone"));
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static record => record.Id.Id == 1205), "what came of it");
    }

    /// <summary>Another dispatch recorded the same id meanwhile, and what that was cannot be read.</summary>
    [Fact]
    public async Task Result_RecordedByAnotherThatTheStoreDoesNotGive_IsAskedForAgain()
    {
        await using var processes = new Processes();
        var (begun, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        var (rig, store) = await StartAsync(processes, async (_, _) =>
        {
            begun.SetResult();
            await goOn.Task;
            return "second";
        });
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Id = "task" });
        await begun.Task;
        await store.Store.SaveTaskResultAsync(new TaskResult { TaskId = "task", Status = AgentTaskStatus.Completed, Output = "first" });
        var asked = 0;
        store.Trouble["GetTaskResultAsync"] = () => ++asked switch
        {
            1 => Unavailable(),
            2 => new TaskCompletionSource().Task,
            _ => Task.CompletedTask,
        };
        goOn.SetResult();

        (await rig.DriveAsync(dispatch, TimeSpan.FromSeconds(5))).Output.Get<string>().Should().Be("first");
        asked.Should().Be(3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DeadLetter_TheStoreNeverAnswers_TheTaskEndsWithItsOwnErrorAndTheLogHasIt(bool cancels)
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => throw new AgentException(ErrorCodes.TransientError, "the real reason"));
        var (asked, unanswered) = (new TaskCompletionSource(), new TaskCompletionSource());
        store.Trouble["SaveDeadLetterAsync"] = () =>
        {
            asked.TrySetResult();
            return unanswered.Task;
        };
        using var cancellation = new CancellationTokenSource();
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } }, cancellation.Token);
        await asked.Task;
        if (cancels)
        {
            await cancellation.CancelAsync();
        }

        var result = await rig.DriveAsync(dispatch, TimeSpan.FromSeconds(5));

        result.Error!.Code.Should().Be(ErrorCodes.TransientError);
        rig.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1608 && record.Message.Contains("the real reason"));
    }
}
