using System.Collections.Concurrent;
using Conductor.Errors;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

public sealed class ReplayTests
{
    private static async Task<(Rig Rig, ErrorRecord Letter)> WithLetterAsync(Func<Conductor.Agents.TaskContext, TaskData> run, TaskDefinition? task = null)
    {
        var rig = await Rig.StartAsync();
        await rig.AddAsync(run);
        await rig.DriveAsync(rig.DispatchAsync(task));
        return (rig, (await rig.Errors.GetDeadLetterQueueAsync()).Single());
    }

    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLetterAsync_Succeeds_RunsAnewUnderTheSameKeyAndRemovesTheLetter()
    {
        var broken = true;
        var seen = new ConcurrentQueue<(string Key, string? ReplayOf, string Id)>();
        var effects = 0;
        var (rig, letter) = await WithLetterAsync(task =>
        {
            seen.Enqueue((task.IdempotencyKey, task.ReplayOf, task.Task.Id));
            task.OnceAsync("effect", _ => Task.FromResult(++effects)).AsTask().GetAwaiter().GetResult();
            return broken ? throw new AgentException(ErrorCodes.TransientError, "busy") : TaskData.From("done");
        });
        await using var disposal = rig;
        broken = false;

        var result = await rig.Coordinator.ReplayDeadLetterAsync(letter.Id);

        result.Output.Get<string>().Should().Be("done");
        result.TaskId.Should().NotBe(letter.Task!.Id, "it is a new execution");
        seen.Select(entry => entry.Key).Distinct().Should().ContainSingle();
        seen.Last().ReplayOf.Should().Be(letter.Id);
        effects.Should().Be(1);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLetterAsync_LetterCannotBeDeletedAtFirst_HasItsResult(bool isTransient)
    {
        await using var rig = await Rig.StartAsync(new RigOptions
        {
            State = static environment => new TroubledStateManager(new Conductor.State.InMemoryStateManager(environment)),
        });
        var broken = true;
        await rig.AddAsync(_ => broken ? throw new AgentException(ErrorCodes.TransientError, "busy") : "done");
        await rig.DriveAsync(rig.DispatchAsync());
        broken = false;
        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Single();
        var failures = 2;
        ((TroubledStateManager)rig.State).Trouble[nameof(rig.State.DeleteDeadLetterAsync)] = () => failures-- > 0
            ? Task.FromException(new StateException(ErrorCodes.StateUnavailable, "locked") { IsTransient = isTransient })
            : Task.CompletedTask;

        (await rig.DriveAsync(rig.Coordinator.ReplayDeadLetterAsync(letter.Id).AsTask())).Output.Get<string>().Should().Be("done");

        (await rig.Errors.GetDeadLetterQueueAsync()).Should().HaveCount(isTransient ? 0 : 1);
        rig.Logs.GetSnapshot().Count(static record => record.Id.Id == 1364).Should().Be(isTransient ? 0 : 1);
    }

    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLetterAsync_CorrectedInput_IsUsed()
    {
        var (rig, letter) = await WithLetterAsync(
            task => task.Input.Get<string>() == "bad" ? throw new AgentException(ErrorCodes.TransientError, "busy") : TaskData.From(task.Input.Get<string>()),
            Rig.NewTask() with { Input = "bad" });
        await using var disposal = rig;

        (await rig.Coordinator.ReplayDeadLetterAsync(letter.Id, "good")).Output.Get<string>().Should().Be("good");
    }

    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLetterAsync_FailsAgain_IsReplacedByItsOwnLetter()
    {
        var (rig, letter) = await WithLetterAsync(_ => throw new AgentException(ErrorCodes.TransientError, "busy"));
        await using var disposal = rig;
        rig.Errors.ResetCircuitBreaker("agent-1");

        var result = await rig.DriveAsync(rig.Coordinator.ReplayDeadLetterAsync(letter.Id).AsTask());

        result.Status.Should().Be(AgentTaskStatus.Failed);
        var left = (await rig.Errors.GetDeadLetterQueueAsync()).Single();
        left.ReplayOf.Should().Be(letter.Id);
        left.IdempotencyKey.Should().Be(letter.IdempotencyKey);
    }

    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLettersAsync_All_OneFailingDoesNotStopTheOthers()
    {
        await using var rig = await Rig.StartAsync();
        var broken = true;
        await rig.AddAsync(task => broken || task.Input.Get<string>() == "always"
            ? throw new AgentException(ErrorCodes.TransientError, "busy") : TaskData.From(task.Input.Get<string>()));
        foreach (var input in new[] { "one", "always", "two" })
        {
            await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Input = input, Retry = new RetrySettings { MaxRetries = 0 } }));
        }

        broken = false;
        var results = await rig.DriveAsync(rig.Coordinator.ReplayDeadLettersAsync().AsTask());

        results.Select(result => result.IsSuccess).Should().Equal(true, false, true);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle();
    }

    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLettersAsync_CircuitOpen_LeavesTheLettersAsTheyAre()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new() { CircuitBreaker = { FailureThreshold = 1 } } });
        await rig.AddAsync(_ => throw new IOException("down"));
        await rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } });
        var before = await rig.Errors.GetDeadLetterQueueAsync();

        var results = await rig.Coordinator.ReplayDeadLettersAsync();

        results.Single().Error!.Code.Should().Be("CIRCUIT_OPEN");
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEquivalentTo(before);
    }

    /// <summary>Its caller dispatches it again, under its id, until it is let through.</summary>
    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLettersAsync_TaskWasRefusedAgainAndAgainAndSucceededSince_RunsNothingAndRemovesItsOneLetter()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAsync(_ => $"run {++runs}");
        for (var failure = 0; failure < 5; failure++)
        {
            rig.Errors.GetCircuitBreaker("agent-1").RecordFailure();
        }

        var order = Rig.NewTask() with { Id = "order" };
        for (var time = 0; time < 3; time++)
        {
            var refused = await FluentActions.Awaiting(() => rig.DispatchAsync(order)).Should().ThrowAsync<CircuitOpenException>();
            refused.Which.Message.Should().Contain((await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which.Id);
        }

        rig.Errors.ResetCircuitBreaker("agent-1");
        await rig.DispatchAsync(order);

        var replayed = await rig.Coordinator.ReplayDeadLettersAsync();

        replayed.Should().ContainSingle().Which.Output.Get<string>().Should().Be("run 1");
        runs.Should().Be(1);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    /// <summary>Whoever corrects the input of a letter wants it done with that.</summary>
    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLetterAsync_InputIsCorrectedThoughTheTaskHasSucceededSince_IsRunWithThat()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static task => task.Input.Get<string>());
        for (var failure = 0; failure < 5; failure++)
        {
            rig.Errors.GetCircuitBreaker("agent-1").RecordFailure();
        }

        var order = Rig.NewTask() with { Id = "order", Input = TaskData.From("first") };
        await FluentActions.Awaiting(() => rig.DispatchAsync(order)).Should().ThrowAsync<CircuitOpenException>();
        rig.Errors.ResetCircuitBreaker("agent-1");
        await rig.DispatchAsync(order);
        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Single();

        var replayed = await rig.Coordinator.ReplayDeadLetterAsync(letter.Id, TaskData.From("corrected"));

        replayed.Output.Get<string>().Should().Be("corrected");
        (await rig.State.GetTaskResultAsync("order"))!.Output.Get<string>().Should().Be("first", "what is recorded stays");
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    /// <summary>Its caller was told to dispatch it again: it had failed, and that could not be saved.</summary>
    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLetterAsync_ResultWasNotSavedAndTheTaskHasSucceededSince_RunsNothing()
    {
        await using var rig = await Rig.StartAsync(new RigOptions
        {
            State = static environment => new TroubledStateManager(new Conductor.State.InMemoryStateManager(environment)),
        });
        var runs = 0;
        await rig.AddAsync(_ => ++runs == 1 ? throw new IOException("down") : TaskData.From("done"));
        var order = Rig.NewTask() with { Id = "order", Retry = new RetrySettings { MaxRetries = 0 } };
        ((TroubledStateManager)rig.State).Trouble[nameof(rig.State.SaveTaskResultAsync)] =
            static () => Task.FromException(new StateException(ErrorCodes.StateUnavailable, "full") { IsTransient = false });
        await FluentActions.Awaiting(() => rig.DispatchAsync(order)).Should().ThrowAsync<StateException>();
        ((TroubledStateManager)rig.State).Trouble.Clear();
        await rig.DispatchAsync(order);
        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Single();

        (await rig.Coordinator.ReplayDeadLetterAsync(letter.Id)).TaskId.Should().Be("order");

        runs.Should().Be(2);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLetterAsync_FailsAgainAndItsResultCannotBeSaved_IsReplacedByItsOwnLetterAllTheSame()
    {
        await using var rig = await Rig.StartAsync(new RigOptions
        {
            State = static environment => new TroubledStateManager(new Conductor.State.InMemoryStateManager(environment)),
        });
        await rig.AddAsync(_ => throw new IOException("down"));
        await rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } });
        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Single();
        ((TroubledStateManager)rig.State).Trouble[nameof(rig.State.SaveTaskResultAsync)] =
            static () => Task.FromException(new StateException(ErrorCodes.StateUnavailable, "full") { IsTransient = false });

        await FluentActions.Awaiting(() => rig.Coordinator.ReplayDeadLetterAsync(letter.Id).AsTask()).Should().ThrowAsync<StateException>();

        (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which.ReplayOf.Should().Be(letter.Id);
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_Unknown_SaysSo()
    {
        await using var rig = await Rig.StartAsync();

        (await FluentActions.Awaiting(() => rig.Coordinator.ReplayDeadLetterAsync("x").AsTask()).Should().ThrowAsync<TaskValidationException>())
            .Which.Message.Should().Contain("no dead letter 'x'");
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_Twice_RunsOnce()
    {
        var broken = true;
        var runs = 0;
        var gate = new SemaphoreSlim(0);
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (_, token) =>
        {
            if (broken)
            {
                throw new AgentException(ErrorCodes.TransientError, "busy");
            }

            runs++;
            await gate.WaitAsync(token);
            return TaskData.Empty;
        });
        await rig.DriveAsync(rig.DispatchAsync());
        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Single();
        broken = false;
        var first = rig.Coordinator.ReplayDeadLetterAsync(letter.Id).AsTask();
        await Rig.UntilAsync(() => runs == 1, "the first");

        await FluentActions.Awaiting(() => rig.Coordinator.ReplayDeadLetterAsync(letter.Id).AsTask()).Should().ThrowAsync<TaskValidationException>()
            .WithMessage("*already*");
        gate.Release();
        (await first).IsSuccess.Should().BeTrue();
    }

    /// <summary>It waits for its agent as the coordinator stops, and is given back: it has not failed.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ReplayDeadLettersAsync_StopGivesALetterBack_GivesWhatWasDone(bool isOneDone)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Retry = RetryPolicy.Default with { MaxRetries = 0 } });
        var (broken, release) = (true, new TaskCompletionSource());
        await rig.AddAsync(_ => broken ? throw new AgentException(ErrorCodes.TransientError, "busy") : "done");
        await rig.AddAsync(
            async (_, _) =>
            {
                await (broken ? throw new AgentException(ErrorCodes.TransientError, "busy") : release.Task);
                return "done";
            },
            AgentType.Review);
        if (isOneDone)
        {
            await rig.DriveAsync(rig.DispatchAsync());
            rig.Time.Advance(TimeSpan.FromSeconds(1));
        }

        await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask(AgentType.Review)));
        broken = false;
        var holder = rig.DispatchAsync(Rig.NewTask(AgentType.Review));
        var all = rig.Coordinator.ReplayDeadLettersAsync().AsTask();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the letter to wait for its agent");

        var stop = rig.Coordinator.StopAsync().AsTask();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 0, "the stop to give it back");
        release.SetResult();
        await rig.DriveAsync(stop);
        await holder;

        if (isOneDone)
        {
            (await rig.DriveAsync(all)).Should().ContainSingle().Which.IsSuccess.Should().BeTrue();
        }
        else
        {
            (await FluentActions.Awaiting(() => rig.DriveAsync(all)).Should().ThrowAsync<NoAvailableAgentException>()).WithMessage("*is stopping*");
        }

        (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle();
    }

    [Fact]
    public async Task ReplayDeadLettersAsync_StopLeavesTheSecondNoTime_GivesWhatWasDone()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Retry = RetryPolicy.Default with { MaxRetries = 0 } });
        var (broken, reached) = (true, new TaskCompletionSource());
        await rig.AddAsync(async (task, token) =>
        {
            if (broken)
            {
                throw new AgentException(ErrorCodes.TransientError, "busy");
            }

            if (task.Input.Get<int>() == 2)
            {
                reached.SetResult();
                await Task.Delay(Timeout.Infinite, token);
            }

            return "done";
        });
        for (var input = 1; input <= 2; input++)
        {
            await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Input = TaskData.From(input) }));
            rig.Time.Advance(TimeSpan.FromSeconds(1));
        }

        broken = false;
        var all = rig.Coordinator.ReplayDeadLettersAsync().AsTask();
        await reached.Task;

        await rig.DriveAsync(rig.Coordinator.StopAsync(new CancellationToken(canceled: true)).AsTask());

        (await rig.DriveAsync(all)).Should().ContainSingle().Which.IsSuccess.Should().BeTrue();
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle();
    }
}
