using System.Collections.Concurrent;
using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;
using Microsoft.Extensions.Logging.Abstractions;
using static Conductor.Tests.Support.DeadOwners;

namespace Conductor.Tests.Workflows;

/// <summary>What the history of a run says of tasks that fail and are tried again, and what the next owner makes of that.</summary>
public sealed class RetriedTasksTests
{
    private static readonly TimeSpan _backoff = TimeSpan.FromMinutes(1);

    /// <summary>A task that is tried again at once, and often.</summary>
    private static readonly TaskDefinition _stubborn = new()
    {
        AgentType = AgentType.Coding,
        Retry = new RetrySettings { MaxRetries = 20, InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero },
        CircuitBreaker = new CircuitBreakerSettings { FailureThreshold = int.MaxValue },
    };

    [Fact]
    public async Task WatchAsync_TaskIsTriedAgain_SaysSoWithTheError()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(task => task.Attempt == 1 ? throw new IOException("the network") : "done", id: "agent");
        await using var run = await rig.Engine.StartWorkflowAsync(One(_backoff));
        await rig.DriveAsync(run.Completion, _backoff);

        var events = (await rig.State.GetWorkflowHistoryAsync(run.RunId))!.Events.Where(static happening => happening.TaskId is not null).ToList();

        events.Select(static happening => happening.Kind).Should()
            .Equal(WorkflowEventKind.TaskStarted, WorkflowEventKind.TaskRetrying, WorkflowEventKind.TaskFinished);
        events[1].Should().BeEquivalentTo(new
        {
            AgentId = "agent", TaskStatus = AgentTaskStatus.InProgress, Attempts = 1, Phase = WorkflowPhase.Development, Round = 0,
        });
        events[1].Error!.Message.Should().Contain("the network");
        events[1].Message.Should().StartWith("It is tried again after 00:0");
    }

    /// <summary>However soon it begins again, and whatever else the run commits meanwhile.</summary>
    /// <param name="isLasting">Whether the store outlives the process, so that each attempt waits for a commit.</param>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RunWorkflowAsync_ManyTasksAreTriedAgainAtOnce_TheHistoryHasEachInOrder(bool isLasting)
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync(wrap: isLasting ? null : _ => processes.Store);
        WorkflowEventKind[] again = isLasting ? [WorkflowEventKind.TaskRetrying, WorkflowEventKind.TaskStarted] : [WorkflowEventKind.TaskRetrying];
        for (var i = 0; i < 8; i++)
        {
            await rig.AddAsync(async (task, _) =>
            {
                await Task.Yield();
                return task.Attempt < 3 ? throw new IOException("the network") : "done";
            });
        }

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(
            One(TimeSpan.Zero) with { Tasks = [.. Enumerable.Range(0, 150).Select(static i => _stubborn with { Id = $"{i}" })] }, Run).AsTask());

        state.CompletedTasks.Should().Be(150);
        foreach (var task in (await HistoryAsync(processes)).Where(static happening => happening.TaskId is not null).GroupBy(static happening => happening.TaskId))
        {
            task.Select(static happening => happening.Kind).Should()
                .Equal([WorkflowEventKind.TaskStarted, .. again, .. again, WorkflowEventKind.TaskFinished]);
        }
    }

    /// <summary>The run's loop learns of both at once: it was told of its progress meanwhile.</summary>
    [Fact]
    public async Task RunWorkflowAsync_TaskFailsAndEndsBetweenTwoSteps_TheHistoryHasItInOrder()
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync(wrap: _ => processes.Store);
        var mayFail = new TaskCompletionSource();
        var attempts = 0;
        for (var i = 0; i < 2; i++)
        {
            await rig.AddAsync(async (task, token) =>
            {
                if (task.Task.Id == "t")
                {
                    await mayFail.Task.WaitAsync(token);
                    Interlocked.Increment(ref attempts);
                }

                return task.Task.Id == "t" && task.Attempt == 1 ? throw new IOException("the network") : "done";
            });
        }

        var one = One(TimeSpan.Zero).Tasks[0];
        var progress = new CallingProgress(told =>
        {
            if (told.FinishedTasks == 1)
            {
                mayFail.TrySetResult();
                SpinWait.SpinUntil(() => Volatile.Read(ref attempts) == 2 && rig.Coordinator.RunningTasks == 0, TimeSpan.FromSeconds(20)).Should().BeTrue();
            }
        });

        await rig.Engine.RunWorkflowAsync(
            One(TimeSpan.Zero) with { Tasks = [one, one with { Id = "other" }] }, new WorkflowRunOptions { RunId = "run", Progress = progress });

        (await HistoryAsync(processes)).Where(static happening => happening.TaskId == "t").Select(static happening => happening.Kind).Should()
            .Equal(WorkflowEventKind.TaskStarted, WorkflowEventKind.TaskRetrying, WorkflowEventKind.TaskFinished);
    }

    /// <summary>A run that lives for long, and whose tasks fail often, must not grow by what is no longer kept of it.</summary>
    [Fact]
    public async Task RunWorkflowAsync_MoreAttemptsFailThanEventsAreKept_LetsGoOfWhatTheyFailedWith()
    {
        const int Tasks = 150;
        await using var rig = await Rig.StartAsync(
            new RigOptions { Retention = new RetentionOptions { MaxEventsPerWorkflow = 20 }, Loggers = NullLoggerFactory.Instance });
        var failures = new ConcurrentQueue<WeakReference>();
        var (isLast, mayEnd) = (new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(async (task, _) =>
        {
            await Task.Yield();
            if (task.Task.Id != "last")
            {
                return task.Attempt <= 20 ? throw Failure() : "done";
            }

            isLast.SetResult();
            await mayEnd.Task;
            return "done";
        });
        var ids = Enumerable.Range(0, Tasks).Select(static i => $"{i}").ToList();
        var run = await rig.Engine.StartWorkflowAsync(
            One(TimeSpan.Zero) with { Tasks = [.. ids.Select(static id => _stubborn with { Id = id }), _stubborn with { Id = "last", DependsOn = ids }] });
        await rig.DriveAsync(isLast.Task);

        GC.Collect();

        failures.Should().HaveCount(Tasks * 20);
        failures.Count(static failure => failure.IsAlive).Should().BeLessThan(1_500);
        mayEnd.SetResult();
        (await rig.DriveAsync(run.Completion)).ParticipatingAgents.Should().ContainSingle();

        AgentException Failure()
        {
            var message = $"failure {failures.Count}";
            failures.Enqueue(new WeakReference(message));
            return new AgentException(ErrorCodes.TransientError, message);
        }
    }

    /// <summary>So many attempts fail that what events name is begun anew: agents keep their names, whichever events are told of them.</summary>
    /// <param name="agents">How many agents there are: few are looked through, many are looked up.</param>
    [Theory]
    [InlineData(3)]
    [InlineData(30)]
    public async Task RunWorkflowAsync_ManyAttemptsFail_EachEventNamesItsAgent(int agents)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Loggers = NullLoggerFactory.Instance });
        for (var i = 0; i < agents; i++)
        {
            await rig.AddAsync(async (task, _) =>
            {
                await Task.Yield();
                return task.Attempt <= 10 ? throw new IOException("the network") : "done";
            });
        }

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(
            One(TimeSpan.Zero) with { Tasks = [.. Enumerable.Range(0, 200).Select(static i => _stubborn with { Id = $"{i}" })] }, Run).AsTask());

        var ends = (await rig.State.GetWorkflowHistoryAsync("run", limit: 10_000))!.Events
            .Where(static happening => happening.Kind == WorkflowEventKind.TaskFinished).ToList();
        ends.Should().HaveCount(200);
        ends.Should().OnlyContain(end => end.AgentId == state.TaskResults[end.TaskId!].AgentId && end.AgentId != null);
        state.ParticipatingAgents.Should().OnlyHaveUniqueItems().And.HaveCountLessThanOrEqualTo(agents);
    }

    /// <summary>It was not under way when they died.</summary>
    [Fact]
    [Trait("Behaviour", "12")]
    public async Task RecoverAsync_ProcessesDiedAsATaskWaitedForItsNextAttempt_NoneIsCounted()
    {
        await using var processes = new Processes();
        for (var time = 1; time <= 3; time++)
        {
            await LeaveInBackoffAsync(processes, time);
        }

        var heir = await processes.StartAsync();
        await heir.AddAsync(static task => TaskData.From(task.Delivery));
        await heir.Engine.RecoverAsync();

        var state = await CompleteAsync(heir);
        state.TaskResults["t"].Output.Get<int>().Should().Be(1);
        state.Redeliveries.Should().BeEmpty();
    }

    [Fact]
    [Trait("Behaviour", "12")]
    public async Task RecoverAsync_TheProcessDiedUnderTheSecondAttempt_IsCounted()
    {
        await using var processes = new Processes();
        var victim = await processes.StartAsync();
        await victim.AddAsync(async (task, token) =>
        {
            await (task.Attempt == 1 ? throw new IOException("the network") : Task.Delay(Timeout.InfiniteTimeSpan, token));
            return "never";
        });
        await victim.Engine.StartWorkflowAsync(One(TimeSpan.Zero), Run);
        await UntilHistoryAsync(processes, static events => events.Count(static happening => happening.Kind == WorkflowEventKind.TaskStarted) == 2);
        processes.LetLeasesRunOut();
        var heir = await processes.StartAsync();
        await heir.AddAsync(static task => TaskData.From(task.Delivery));
        await heir.Engine.RecoverAsync();

        (await CompleteAsync(heir)).TaskResults["t"].Output.Get<int>().Should().Be(2);
    }

    /// <summary>Brief ones count from their hand-over on; but of a minute's backoff, none is brief.</summary>
    [Fact]
    [Trait("Behaviour", "12")]
    public async Task RecoverAsync_ABriefTaskWaitedForItsNextAttempt_NoneIsCounted()
    {
        await using var processes = new Processes();
        Rig? victim = null;
        victim = await processes.StartAsync(
            wrap: store => new InterceptedStateManager(store) { BeforeCommit = _ => victim!.Time.Advance(TimeSpan.FromSeconds(1)) });
        await victim.AddAsync(static task => task.Task.Id == "t" ? throw new IOException("the network") : "done");
        var other = One(_backoff).Tasks[0] with { Id = "other" };
        await victim.Engine.RunWorkflowAsync(One(_backoff) with { Tasks = [other] });
        await victim.Engine.StartWorkflowAsync(One(_backoff) with { Tasks = [One(_backoff).Tasks[0], other with { DependsOn = ["t"] }] }, Run);
        await UntilHistoryAsync(processes, static events => events.Any(static happening => happening.Kind == WorkflowEventKind.TaskRetrying));
        await Rig.SettleAsync();
        processes.LetLeasesRunOut();
        var heir = await processes.StartAsync();
        await heir.AddAsync(static task => TaskData.From(task.Delivery));
        await heir.Engine.RecoverAsync();

        (await CompleteAsync(heir)).TaskResults["t"].Output.Get<int>().Should().Be(1);
    }

    /// <summary>It found no agent for its next attempt in time, and its process died between the letter and the step that says that it failed.</summary>
    [Fact]
    [Trait("Behaviour", "12")]
    public async Task RecoverAsync_AFailureInBackoffWasKeptAsALetterAndNotCommitted_TheLetterGoesWithSuccess()
    {
        await using var processes = new Processes();
        var dies = false;
        var victim = await processes.StartAsync(wrap: store => new InterceptedStateManager(store)
        {
            BeforeCommit = _ => _ = Volatile.Read(ref dies) ? throw new IOException("killed") : 0,
        });
        await victim.AddAsync(async (task, token) =>
        {
            await (task.Task.Id == "t" ? throw new IOException("the network") : Task.Delay(Timeout.InfiniteTimeSpan, token));
            return "never";
        });
        var one = One(TimeSpan.FromSeconds(1));
        var run = await victim.Engine.StartWorkflowAsync(one with { Tasks = [one.Tasks[0] with { Deadline = TimeSpan.FromHours(1) }] }, Run);
        await UntilHistoryAsync(processes, static events => events.Any(static happening => happening.Kind == WorkflowEventKind.TaskRetrying));
        _ = victim.DispatchAsync(Rig.NewTask() with { Id = "busy", Timeout = TimeSpan.FromHours(10) });
        await Rig.UntilAsync(() => victim.Coordinator.RunningTasks == 1, "the agent to be busy");
        Volatile.Write(ref dies, true);
        await FluentActions.Awaiting(() => victim.DriveAsync(run.Completion, TimeSpan.FromMinutes(10))).Should().ThrowAsync<IOException>();
        (await processes.Store.ListDeadLettersAsync()).Items.Should().ContainSingle();
        processes.LetLeasesRunOut();
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => "done");

        await heir.Engine.RecoverAsync();

        (await CompleteAsync(heir)).CompletedTasks.Should().Be(1);
        (await processes.Store.ListDeadLettersAsync()).Items.Should().BeEmpty();
    }

    private static WorkflowDefinition One(TimeSpan backoff) => new()
    {
        Name = "one",
        Phases = [WorkflowPhase.Development],
        Tasks =
        [
            new TaskDefinition
            {
                Id = "t", AgentType = AgentType.Coding, Retry = new RetrySettings { MaxRetries = 3, InitialDelay = backoff, MaxDelay = backoff },
            },
        ],
    };

    private static async Task LeaveInBackoffAsync(Processes processes, int times)
    {
        var victim = await processes.StartAsync();
        await victim.AddAsync(static _ => throw new IOException("the network"));
        if (times == 1)
        {
            await victim.Engine.StartWorkflowAsync(One(_backoff), Run);
        }
        else
        {
            (await victim.Engine.RecoverAsync()).Should().Be(1);
        }

        await UntilHistoryAsync(processes, events => events.Count(static happening => happening.Kind == WorkflowEventKind.TaskRetrying) == times);
        processes.LetLeasesRunOut();
    }

    private static async Task<IReadOnlyList<WorkflowEvent>> HistoryAsync(Processes processes) =>
        (await processes.Store.GetWorkflowHistoryAsync("run"))?.Events ?? [];

    private static Task UntilHistoryAsync(Processes processes, Func<IReadOnlyList<WorkflowEvent>, bool> condition) => Rig.UntilAsync(
        () =>
        {
            var read = HistoryAsync(processes);
            return read.IsCompletedSuccessfully && condition(read.Result);
        },
        "the history to say so");
}
