using System.Diagnostics.Metrics;
using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>Agents that come and go at the same moment.</summary>
public sealed class ReplacementTests
{
    [Fact]
    public async Task UnregisterAgentAsync_AnotherIsAboutToTakeItsPlace_ThatOneGoesToo()
    {
        await using var rig = await Rig.StartAsync();
        var (never, starting, started, made, stopped) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource(), 0, 0);
        await rig.Coordinator.RegisterAgentAsync(new AgentIdentity { Id = "f", Type = AgentType.Coding }, () =>
        {
            var number = Interlocked.Increment(ref made);
            return new LambdaAgent(async (_, _) =>
            {
                await never.Task;
                return TaskData.Empty;
            })
            {
                OnStart = async () =>
                {
                    if (number == 2)
                    {
                        starting.SetResult();
                        await started.Task;
                    }
                },
                OnStop = () =>
                {
                    Interlocked.Increment(ref stopped);
                    return default;
                },
            };
        });
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(10), Retry = new RetrySettings { MaxRetries = 0 } });
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        rig.Time.Advance(TimeSpan.FromSeconds(10));
        (await dispatch).Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        await rig.DriveAsync(starting.Task);

        var unregister = rig.Coordinator.UnregisterAgentAsync("f").AsTask();
        await Rig.SettleAsync();
        unregister.IsCompleted.Should().BeFalse("its successor is about to start");
        started.SetResult();

        (await unregister).Should().BeTrue();
        rig.Coordinator.AgentIds.Should().BeEmpty();
        (made, stopped).Should().Be((2, 1), "the first has not returned yet");
        never.SetResult();
        await Rig.UntilAsync(() => stopped == 2, "the first to be stopped, too");
    }

    /// <summary>It cannot start, and gives up: it must not wait for itself.</summary>
    [Fact]
    public async Task UnregisterAgentAsync_ByTheStartHookOfWhatTakesItsPlace_GivesTheIdUp()
    {
        await using var rig = await Rig.StartAsync();
        var (never, made, given) = (new TaskCompletionSource(), 0, new TaskCompletionSource<bool>());
        await rig.Coordinator.RegisterAgentAsync(new AgentIdentity { Id = "f", Type = AgentType.Coding }, () =>
        {
            var number = Interlocked.Increment(ref made);
            return new LambdaAgent(async (_, _) =>
            {
                await never.Task;
                return TaskData.Empty;
            })
            {
                OnStart = async () =>
                {
                    if (number == 2)
                    {
                        given.SetResult(await rig.Coordinator.UnregisterAgentAsync("f"));
                    }
                },
            };
        });
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(10), Retry = new RetrySettings { MaxRetries = 0 } });
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        rig.Time.Advance(TimeSpan.FromSeconds(10));
        await dispatch;

        (await rig.DriveAsync(given.Task)).Should().BeTrue();

        await Rig.UntilAsync(() => rig.Coordinator.AgentIds.Count == 0 && rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 0, "it to be gone");
        await FluentActions.Awaiting(() => rig.DispatchAsync().WaitAsync(TimeSpan.FromSeconds(20))).Should().ThrowAsync<NoAvailableAgentException>();
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static record => record.Message.Contains("unregistered")), "it to be said");
        await rig.AddAsync(static _ => TaskData.Empty, id: "f");
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();
        never.SetResult();
    }

    /// <summary>Taken in and unregistered by two threads: it is in its pool, or it is not, and no dispatch goes round and round.</summary>
    [Fact]
    public async Task UnregisterAgentAsync_AsItIsTakenIn_LeavesItsPool()
    {
        await using var rig = await Rig.StartAsync();
        for (var round = 0; round < 500; round++)
        {
            var id = $"agent-{round}";
            var unregister = Task.Run(async () =>
            {
                for (var turn = 0; turn < 100_000 && !await rig.Coordinator.UnregisterAgentAsync(id); turn++)
                {
                    await Task.Yield();
                }
            });
            await rig.Coordinator.RegisterAgentAsync(new LambdaAgent(static (_, _) => new ValueTask<TaskData>(TaskData.Empty)), AgentType.Coding, id);
            await unregister;

            rig.Coordinator.GetAvailableAgents(AgentType.Coding).Should().BeEmpty();
        }
    }

    [Fact]
    public async Task RegisterAgentAsync_ListenerOfMetricsFails_TheAgentIsThereAndCounted()
    {
        using var meters = new OwnMeters();
        await using var rig = await Rig.StartAsync(new RigOptions { Meters = meters });
        var isOn = true;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, own) =>
            {
                if (instrument.Name == "conductor.agent.active" && ReferenceEquals(instrument.Meter, rig.Environment.Instruments.Meter))
                {
                    own.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) =>
        {
            if (isOn)
            {
                throw new InvalidOperationException("the exporter failed");
            }
        });
        listener.Start();

        await rig.AddAsync(static _ => TaskData.Empty, id: "a");

        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();
        (await rig.Coordinator.UnregisterAgentAsync("a")).Should().BeTrue();
        isOn = false;
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();
        rig.Logs.GetSnapshot().Where(static record => record.Id.Id == 1611).Should().HaveCount(2, "nothing fails silently");
    }

    /// <summary>Its code runs on, and may for ever; what is sent to its id from now on is another's.</summary>
    [Fact]
    public async Task UnregisterAgentAsync_ItsCodeRunsOn_ListensNoLonger()
    {
        await using var rig = await Rig.StartAsync();
        var heard = 0;
        var stuck = new LambdaAgent(static async (_, _) => await new TaskCompletionSource<TaskData>().Task)
        {
            OnMessage = _ =>
            {
                Interlocked.Increment(ref heard);
                return ValueTask.CompletedTask;
            },
        };
        await rig.Coordinator.RegisterAgentAsync(stuck, AgentType.Coding, "a");
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");

        await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("a", new CancellationToken(canceled: true)).AsTask());
        await rig.Bus.PublishAsync(Channels.Agent("a"), new AgentMessage { Type = MessageType.Control, Sender = "test" });
        await Rig.SettleAsync();

        heard.Should().Be(0);
        (await rig.DriveAsync(dispatch)).Error!.Code.Should().Be(ErrorCodes.NoAvailableAgent);
    }

    /// <summary>A bus that cannot end a subscription keeps nobody waiting, nor the id taken.</summary>
    [Fact]
    public async Task RegisterAgentAsync_BusFailsAtTheReplacement_TheNextOneTakesThePlace()
    {
        var bus = default(TroubledBus);
        await using var rig = await Rig.StartAsync(new RigOptions { Bus = environment => bus = new TroubledBus(environment) });
        var made = 0;
        await rig.Coordinator.RegisterAgentAsync(
            new AgentIdentity { Id = "a", Type = AgentType.Coding },
            () => ++made == 1 ? new LambdaAgent(static async (_, _) => await new TaskCompletionSource<TaskData>().Task) : new LambdaAgent(static _ => "done"));
        bus!.FailsToUnsubscribe = true;

        await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(1), Retry = new RetrySettings { MaxRetries = 0 } }));
        var next = rig.DispatchAsync();
        rig.Time.Advance(TimeSpan.FromSeconds(6));

        (await rig.DriveAsync(next)).IsSuccess.Should().BeTrue();
        bus.FailsToUnsubscribe = false;
    }
}
