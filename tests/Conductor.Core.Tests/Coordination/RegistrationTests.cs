using Conductor.Agents;
using Conductor.Coordination;
using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

public sealed class RegistrationTests
{
    [Fact]
    public async Task UnregisterAgentAsync_AnotherOfTheIdComesWhileItsStopHookRuns_LeavesThatOneItsBreakerAndState()
    {
        await using var rig = await Rig.StartAsync();
        var (stopping, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = new LambdaAgent(static _ => TaskData.Empty)
        {
            OnStop = async () =>
            {
                stopping.SetResult();
                await release.Task;
            },
        };
        await rig.Coordinator.RegisterAgentAsync(first, AgentType.Coding, "a");
        var leaving = rig.Coordinator.UnregisterAgentAsync("a").AsTask();
        await stopping.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        for (var failure = 0; failure < 5; failure++)
        {
            rig.Errors.GetCircuitBreaker("a").RecordFailure();
        }

        release.SetResult();
        (await leaving).Should().BeTrue();

        rig.Errors.GetCircuitBreaker("a").State.Should().Be(CircuitBreakerState.Open);
        (await rig.Coordinator.GetAgentStatusAsync("a"))!.Status.Should().Be(AgentStatus.Waiting);
    }

    private static LambdaAgent Plain() => new(_ => TaskData.Empty);

    [Fact]
    public async Task RegisterAgentAsync_SameId_IsRefused()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => TaskData.Empty, id: "a");

        (await FluentActions.Awaiting(() => rig.AddAsync(_ => TaskData.Empty, id: "a")).Should().ThrowAsync<AgentAlreadyRegisteredException>())
            .Which.ErrorCode.Should().Be("AGENT_ALREADY_REGISTERED");
    }

    [Fact]
    public async Task RegisterAgentAsync_SameIdAtOnce_ExactlyOneWins()
    {
        await using var rig = await Rig.StartAsync();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            try
            {
                await rig.AddAsync(_ => TaskData.Empty, id: "a");
                return true;
            }
            catch (AgentAlreadyRegisteredException)
            {
                return false;
            }
        })));

        outcomes.Count(won => won).Should().Be(1);
        rig.Coordinator.AgentIds.Should().Equal("a");
    }

    [Fact]
    public async Task RegisterAgentAsync_SameInstanceTwice_IsRefused()
    {
        await using var rig = await Rig.StartAsync();
        var agent = Plain();
        await rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, "a");

        await FluentActions.Awaiting(() => rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, "b").AsTask()).Should()
            .ThrowAsync<InvalidOperationException>();
        rig.Coordinator.AgentIds.Should().Equal("a");
    }

    [Fact]
    public async Task RegisterAgentAsync_NoType_IsRefused()
    {
        await using var rig = await Rig.StartAsync();

        await FluentActions.Awaiting(() => rig.Coordinator.RegisterAgentAsync(Plain(), default(AgentType)).AsTask()).Should()
            .ThrowAsync<NoAgentTypeException>();
    }

    [Fact]
    public async Task RegisterAgentAsync_NoIdentity_SaysHowToGiveOne()
    {
        await using var rig = await Rig.StartAsync();

        (await FluentActions.Awaiting(() => rig.Coordinator.RegisterAgentAsync(Plain()).AsTask()).Should().ThrowAsync<InvalidOperationException>())
            .Which.Message.Should().Contain("no identity");
    }

    [Theory]
    [InlineData(null, "mine")]
    [InlineData("given", "given")]
    public async Task RegisterAgentAsync_UnderATypeWithAnIdentityOfItsOwn_KeepsWhatItSays(string? id, string expected)
    {
        await using var rig = await Rig.StartAsync();
        var agent = new SelfNamed(new AgentIdentity { Id = "mine", Type = AgentType.Review, Name = "Ada", Version = "2" });

        await rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, id);

        agent.Identity.Should().Be(new AgentIdentity { Id = expected, Type = AgentType.Coding, Name = "Ada", Version = "2" });
    }

    [Fact]
    [Trait("Behaviour", "5")]
    public async Task RegisterAgentAsync_StartHookFails_LeavesNothingRegistered()
    {
        await using var rig = await Rig.StartAsync();
        var agent = new LambdaAgent(_ => TaskData.Empty) { OnStart = () => throw new InvalidOperationException("no key") };

        await FluentActions.Awaiting(() => rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, "a").AsTask()).Should()
            .ThrowAsync<InvalidOperationException>().WithMessage("no key");

        rig.Coordinator.AgentIds.Should().BeEmpty();
        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Should().BeEmpty();
        (await rig.State.GetAgentStateAsync("a")).Should().BeNull();
        await rig.AddAsync(_ => TaskData.Empty, id: "a");
    }

    [Fact]
    [Trait("Behaviour", "5")]
    public async Task UnregisterAgentAsync_StopHookFails_RemovesItAllTheSameAndLogs()
    {
        await using var rig = await Rig.StartAsync();
        var agent = new LambdaAgent(_ => TaskData.Empty) { OnStop = () => throw new InvalidOperationException("stuck") };
        await rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, "a");

        (await rig.Coordinator.UnregisterAgentAsync("a")).Should().BeTrue();
        (await rig.Coordinator.UnregisterAgentAsync("a")).Should().BeFalse();
        rig.Coordinator.AgentIds.Should().BeEmpty();
        (await rig.State.GetAgentStateAsync("a")).Should().BeNull();
        rig.Logs.GetSnapshot().Should().Contain(entry => entry.Id.Id == 1334);
    }

    [Fact]
    [Trait("Behaviour", "5")]
    public async Task StopAsync_OneStopHookFails_StopsTheOthersToo()
    {
        var rig = await Rig.StartAsync();
        var stopped = 0;
        foreach (var id in new[] { "a", "b", "c" })
        {
            await rig.Coordinator.RegisterAgentAsync(
                new LambdaAgent(_ => TaskData.Empty)
                {
                    OnStop = () =>
                    {
                        Interlocked.Increment(ref stopped);
                        return id == "b" ? throw new InvalidOperationException("stuck") : default;
                    },
                },
                AgentType.Coding,
                id);
        }

        await rig.Coordinator.StopAsync();

        stopped.Should().Be(3);
        (await rig.State.GetAgentStateAsync("c"))!.Status.Should().Be(AgentStatus.Stopped);
        await rig.DisposeAsync();
    }

    [Fact]
    [Trait("Behaviour", "5")]
    public async Task StoppedAgent_NeverRunsAgainByAccident()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAsync(_ => TaskData.From(++runs), id: "a");
        await rig.Coordinator.UnregisterAgentAsync("a");

        await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<NoAvailableAgentException>();
        await rig.Bus.PublishAsync(Channels.Agent("a"), new AgentMessage
        {
            Type = MessageType.TaskAssignment,
            Sender = rig.Coordinator.Id,
            Payload = new TaskAssignment { Task = Rig.NewTask(), IdempotencyKey = "k" },
        });
        await Rig.SettleAsync();
        runs.Should().Be(0);
    }

    [Fact]
    [Trait("Behaviour", "5")]
    public async Task Agent_ManyTasksAtOnce_RunsOneAtATime()
    {
        await using var rig = await Rig.StartAsync();
        var running = 0;
        var overlaps = 0;
        await rig.AddAsync(async (_, _) =>
        {
            overlaps += Interlocked.Increment(ref running) > 1 ? 1 : 0;
            await Task.Yield();
            Interlocked.Decrement(ref running);
            return TaskData.Empty;
        });

        await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => Task.Run(() => rig.DispatchAsync())));

        overlaps.Should().Be(0);
    }

    [Fact]
    public async Task Broadcast_ReachesEveryAgentAndAMessageItsRecipient()
    {
        await using var rig = await Rig.StartAsync();
        var seen = new System.Collections.Concurrent.ConcurrentBag<string>();
        foreach (var id in new[] { "a", "b" })
        {
            await rig.Coordinator.RegisterAgentAsync(
                new LambdaAgent(async (task, token) =>
                {
                    await task.SendAsync("b", TaskData.From("psst"), token);
                    return TaskData.Empty;
                })
                {
                    OnMessage = message =>
                    {
                        seen.Add($"{id}:{message.Type}");
                        return default;
                    },
                },
                id == "a" ? AgentType.Coding : AgentType.Review,
                id);
        }

        await rig.Bus.PublishAsync(Channels.Broadcast, new AgentMessage { Type = MessageType.StatusUpdate, Sender = "me" });
        await rig.DispatchAsync();

        await Rig.UntilAsync(() => seen.Count == 3, "three messages");
        seen.Should().BeEquivalentTo("a:StatusUpdate", "b:StatusUpdate", "b:Control");
    }

    /// <summary>Rules and error handler may be shared, and outlive it.</summary>
    [Fact]
    public async Task StopAsync_WhatItWasMadeWith_HoldsOnToItNoLonger()
    {
        await using var rig = await Rig.StartAsync();

        // Many at once: none may be lost, and none kept, for the others.
        var gone = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => Task.Run(() => MakeAndStopAsync(rig))));

        // Away from the thread that ended the last of them, which still has it at hand.
        await Task.Yield();
        for (var turn = 0; turn < 10 && gone.Any(static coordinator => coordinator.IsAlive); turn++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        gone.Should().OnlyContain(static coordinator => !coordinator.IsAlive);

        static async Task<WeakReference> MakeAndStopAsync(Rig rig)
        {
            await using var coordinator = new AgentCoordinator(rig.Bus, rig.State, rig.Policies, rig.Errors);
            await coordinator.StartAsync();
            await coordinator.StopAsync();
            return new WeakReference(coordinator);
        }
    }

    [Fact]
    public async Task StopAsync_TasksRunning_WaitsForThemThenTakesNoMore()
    {
        var rig = await Rig.StartAsync();
        var release = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            started.SetResult();
            await release.Task;
            return TaskData.Empty;
        });
        var running = rig.DispatchAsync();
        await started.Task;
        var waiting = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "one to wait");
        var stop = rig.Coordinator.StopAsync().AsTask();

        await FluentActions.Awaiting(() => waiting).Should().ThrowAsync<NoAvailableAgentException>().WithMessage("*stopping*");
        stop.IsCompleted.Should().BeFalse();
        release.SetResult();
        (await running).IsSuccess.Should().BeTrue();
        await stop;
        await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<InvalidOperationException>().WithMessage("*stopped*");
        await rig.DisposeAsync();
    }

    [Fact]
    public async Task StopAsync_TimeIsUp_CancelsWhatRuns()
    {
        var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });
        var running = rig.DispatchAsync();
        await started.Task;
        await rig.Coordinator.StopAsync(new CancellationToken(true));

        await FluentActions.Awaiting(() => running).Should().ThrowAsync<OperationCanceledException>();
        await rig.DisposeAsync();
    }

    private sealed class SelfNamed(AgentIdentity identity) : BaseAgent(identity)
    {
        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
    }
}
