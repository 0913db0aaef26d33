using System.Diagnostics.Metrics;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>Whatever goes wrong around it, an agent is either there for the next task or gone, and what it was given is run by somebody or refused.</summary>
public sealed class LostAgentTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    /// <summary>
    /// A dispatch that waited is brought on by a thread that then runs the agent it was given. Another agent, taken after that one was given back,
    /// is not that thread's.
    /// </summary>
    [Fact]
    public async Task DispatchTaskAsync_WaitedAndTheFirstAgentIsRefused_TheSecondRunsIt()
    {
        await using var rig = await Rig.StartAsync();
        var (first, second) = (new TaskCompletionSource(), new TaskCompletionSource());
        await AddAsync("a", first);
        await AddAsync("b", second);
        rig.Policies.RegisterPolicy(new RefusingPolicy("third", "a", () =>
        {
            second.TrySetResult();
            SpinWait.SpinUntil(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count > 0, _limit);
        }));
        Task<TaskResult>[] busy = [rig.DispatchAsync(Rig.NewTask() with { Name = "long" }), rig.DispatchAsync(Rig.NewTask() with { Name = "long" })];
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 2, "both to be busy");
        var third = rig.DispatchAsync(Rig.NewTask() with { Name = "third" });
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the third to wait");

        first.SetResult();

        var result = await third.WaitAsync(_limit);
        (result.Status, result.AgentId, result.Attempts).Should().Be((AgentTaskStatus.Completed, "b", 1));
        await Task.WhenAll(busy).WaitAsync(_limit);

        Task AddAsync(string id, TaskCompletionSource release) => rig.AddAsync(
            async (task, _) =>
            {
                if (task.Task.Name == "long")
                {
                    await release.Task;
                }

                return TaskData.Empty;
            },
            id: id);
    }

    [Fact]
    public async Task UnregisterAgentAsync_StubbornAgentOfAFactory_DoesNotComeBack()
    {
        await using var rig = await Rig.StartAsync();
        var agents = new Made();
        await rig.Coordinator.RegisterAgentAsync(new AgentIdentity { Id = "f", Type = AgentType.Coding }, agents.Make);
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        using var cancellation = new CancellationTokenSource();
        var unregister = rig.Coordinator.UnregisterAgentAsync("f", cancellation.Token).AsTask();
        await cancellation.CancelAsync();

        (await rig.DriveAsync(unregister)).Should().BeTrue();

        (await rig.DriveAsync(dispatch)).Error!.Code.Should().Be(ErrorCodes.NoAvailableAgent);
        await FluentActions.Awaiting(() => rig.DispatchAsync().WaitAsync(_limit)).Should().ThrowAsync<NoAvailableAgentException>();
        (agents.Count, agents.Started).Should().Be((1, 1));
        agents.Release();
        await Rig.UntilAsync(() => agents.Stopped == 1, "it to be stopped when it returns");
    }

    [Fact]
    public async Task StopAsync_StubbornAgentOfAFactory_MakesNoOtherInItsPlace()
    {
        await using var rig = await Rig.StartAsync();
        var agents = new Made();
        await rig.Coordinator.RegisterAgentAsync(new AgentIdentity { Id = "f", Type = AgentType.Coding }, agents.Make);
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");

        await rig.DriveAsync(rig.Coordinator.StopAsync(new CancellationToken(canceled: true)).AsTask());

        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<OperationCanceledException>();
        (agents.Count, agents.Started).Should().Be((1, 1));
        agents.Release();
        await Rig.UntilAsync(() => agents.Stopped == 1, "it to be stopped when it returns");
    }

    [Fact]
    public async Task RegisterAgentAsync_CoordinatorStopsMeanwhile_StopsTheAgentAndSaysSo()
    {
        await using var rig = await Rig.StartAsync();
        var (starting, started, stopped) = (new TaskCompletionSource(), new TaskCompletionSource(), 0);
        var agent = new LambdaAgent(static (_, _) => new ValueTask<TaskData>(TaskData.Empty))
        {
            OnStart = async () =>
            {
                starting.SetResult();
                await started.Task;
            },
            OnStop = () =>
            {
                stopped++;
                return default;
            },
        };
        var register = rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, "a").AsTask();
        await starting.Task;
        await rig.Coordinator.StopAsync();
        started.SetResult();

        await FluentActions.Awaiting(() => register).Should().ThrowAsync<InvalidOperationException>();

        (stopped, rig.Coordinator.AgentIds.Count).Should().Be((1, 0));
    }

    [Fact]
    public async Task RegisterAgentAsync_ItsStateCannotBeSaved_NothingIsLeftOfIt()
    {
        TroubledStateManager? store = null;
        await using var rig = await Rig.StartAsync(
            new RigOptions { State = environment => store = new TroubledStateManager(new Conductor.State.InMemoryStateManager(environment)) });
        var (ran, stopped) = (new List<string>(), 0);
        var ghost = new LambdaAgent((_, _) => Run("ghost"))
        {
            OnStop = () =>
            {
                stopped++;
                return default;
            },
        };
        store!.Trouble["SaveAgentStateAsync"] = static () => throw new IOException("disk");
        await FluentActions.Awaiting(() => rig.Coordinator.RegisterAgentAsync(ghost, AgentType.Coding, "x").AsTask()).Should().ThrowAsync<IOException>();
        store.Trouble.Clear();
        stopped.Should().Be(1);

        await rig.Coordinator.RegisterAgentAsync(new LambdaAgent((_, _) => Run("real")), AgentType.Coding, "x");
        await rig.Coordinator.RegisterAgentAsync(ghost, AgentType.Review, "y");

        (await rig.DispatchAsync().WaitAsync(_limit)).IsSuccess.Should().BeTrue();
        await Rig.SettleAsync();
        ran.Should().Equal("real");

        ValueTask<TaskData> Run(string name)
        {
            lock (ran)
            {
                ran.Add(name);
            }

            return new ValueTask<TaskData>(name);
        }
    }

    /// <summary>Somebody who listens to metrics and fails once: the agent is there for the next task.</summary>
    [Theory]
    [InlineData("conductor.dispatch.wait_time", false)]
    [InlineData("conductor.circuit_breaker.status", true)]
    public async Task DispatchTaskAsync_ListenerOfMetricsFails_KeepsTheAgent(string instrument, bool isHalfOpen)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Retry = RetryPolicy.Default with { MaxRetries = 0 }, Meters = new OwnMeters() });
        var fails = isHalfOpen;
        await rig.AddAsync(_ => fails ? throw new TimeoutException() : TaskData.Empty, id: "a");
        for (var failure = 0; fails && failure < CircuitBreakerOptions.DefaultFailureThreshold; failure++)
        {
            await rig.DispatchAsync().WaitAsync(_limit);
        }

        fails = false;
        rig.Time.Advance(CircuitBreakerOptions.DefaultRecoveryTimeout);
        using var listener = new MeterListener { InstrumentPublished = (made, own) => Listen(made, own, rig) };
        var isOn = true;
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => ThrowIf(isOn));
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => ThrowIf(isOn));
        listener.Start();
        for (var task = 0; task < 3; task++)
        {
            try
            {
                await rig.DispatchAsync().WaitAsync(_limit);
            }
            catch (InvalidOperationException) when (!isHalfOpen)
            {
                // The measurement's own exception: of a dispatch that has not begun.
            }
        }

        isOn = false;

        (await rig.DispatchAsync().WaitAsync(_limit)).IsSuccess.Should().BeTrue();
        (rig.Coordinator.RunningTasks, (await rig.Coordinator.GetAgentStatusAsync("a"))!.Status).Should().Be((0, AgentStatus.Idle));

        void Listen(Instrument made, MeterListener own, Rig of)
        {
            if (made.Name == instrument && ReferenceEquals(made.Meter, of.Environment.Instruments.Meter))
            {
                own.EnableMeasurementEvents(made);
            }
        }

        static void ThrowIf(bool isOn)
        {
            if (isOn)
            {
                throw new InvalidOperationException("the exporter failed");
            }
        }
    }

    [Fact]
    public async Task DispatchTaskAsync_BusWasConnectedAgain_SaysAtOnceThatNobodyListens()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        await rig.Bus.DisconnectAsync();
        await rig.Bus.ConnectAsync();

        (await FluentActions.Awaiting(() => rig.DispatchAsync().WaitAsync(_limit)).Should().ThrowAsync<BusException>())
            .Which.ErrorCode.Should().Be(ErrorCodes.BusDisconnected);

        rig.Errors.GetCircuitBreaker("a").ConsecutiveFailures.Should().Be(0, "it is not the agent's fault");
        (await rig.Coordinator.GetAgentStatusAsync("a"))!.Status.Should().Be(AgentStatus.Idle);
    }

    [Fact]
    public async Task StopAsync_TaskWaitsForItsNextAttempt_IsNotRecordedAsFailed()
    {
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync(Channels.Errors, Channels.DeadLetters);
        var runs = 0;
        await rig.AddAsync(_ => Interlocked.Increment(ref runs) == 1 ? throw new TimeoutException("once") : TaskData.Empty);
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Id = "t" });
        await Rig.UntilAsync(() => runs == 1 && rig.Coordinator.RunningTasks == 0, "the first attempt to fail");
        await Rig.SettleAsync();

        await rig.DriveAsync(rig.Coordinator.StopAsync().AsTask());

        (await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<NoAvailableAgentException>()).Which.Message.Should().Contain("Dispatch it again");
        (await rig.State.GetTaskResultAsync("t")).Should().BeNull("so it can be");
        rig.Messages.Should().BeEmpty();
    }

    [Fact]
    public async Task DispatchTaskAsync_NoWaitingAllowedAndARetryMeetsAFullHouse_Waits()
    {
        await using var rig = await Rig.StartAsync(
            new RigOptions { Dispatch = new() { WaitLimit = TimeSpan.Zero }, Policies = [new MaxConcurrentTasksPolicy(1)] });
        var runs = 0;
        var release = new TaskCompletionSource();
        await rig.AddAsync(_ => Interlocked.Increment(ref runs) == 1 ? throw new TimeoutException("once") : TaskData.Empty);
        await rig.AddAsync(
            async (_, _) =>
            {
                await release.Task;
                return TaskData.Empty;
            },
            AgentType.Review);
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => runs == 1 && rig.Coordinator.RunningTasks == 0, "the first attempt to fail");
        var other = rig.DispatchAsync(Rig.NewTask(AgentType.Review));
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the other to run");
        rig.Time.Advance(TimeSpan.FromMinutes(1));
        await Rig.SettleAsync();
        dispatch.IsCompleted.Should().BeFalse("only the first attempt is not to wait");

        release.SetResult();

        (await rig.DriveAsync(dispatch)).IsSuccess.Should().BeTrue();
        await other;
    }

    /// <summary>What a factory made: the first ignores its token until it is released.</summary>
    private sealed class Made
    {
        private readonly TaskCompletionSource _release = new();
        private int _count;
        private int _started;
        private int _stopped;

        public int Count => _count;

        public int Started => _started;

        public int Stopped => _stopped;

        public LambdaAgent Make()
        {
            var number = Interlocked.Increment(ref _count);
            return new LambdaAgent(async (_, _) =>
            {
                if (number == 1)
                {
                    await _release.Task;
                }

                return TaskData.From(number);
            })
            {
                OnStart = () =>
                {
                    Interlocked.Increment(ref _started);
                    return default;
                },
                OnStop = () =>
                {
                    Interlocked.Increment(ref _stopped);
                    return default;
                },
            };
        }

        public void Release() => _release.SetResult();
    }

    private sealed class RefusingPolicy(string task, string agent, Action meanwhile) : Policy<DispatchPolicyContext>
    {
        public override string Name => "refusing";

        public override string Description => "Does not let one agent have one task.";

        public override PolicyTarget Target => PolicyTarget.Candidate;

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            if (context.Task.Name != task || context.Candidate!.Id != agent)
            {
                return new(Allowed);
            }

            meanwhile();
            return new(Denied("not this one"));
        }
    }
}
