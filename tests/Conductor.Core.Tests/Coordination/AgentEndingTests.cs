using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>What ends an agent hangs, and is left to itself.</summary>
public sealed class AgentEndingTests
{
    private static readonly CancellationToken _noTime = new(canceled: true);
    private readonly TaskCompletionSource _end = new();

    [Fact]
    public async Task UnregisterAgentAsync_StopHookFailsWhenNobodyWaitsAnyMore_IsLogged()
    {
        await using var rig = await Rig.StartAsync();
        await rig.Coordinator.RegisterAgentAsync(
            new LambdaAgent(static _ => TaskData.Empty) { OnStop = () => new ValueTask(_end.Task) }, AgentType.Coding, "a");

        await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("a", _noTime).AsTask());

        Logged(rig, 1346).Should().Be(1);
        _end.SetException(new InvalidOperationException("late"));
        await Rig.UntilAsync(() => Logged(rig, 1334) == 1, "the failure to be logged");
    }

    [Fact]
    public async Task UnregisterAgentAsync_DisposalHangs_IsWaitedForAsLongAsItMay()
    {
        await using var rig = await Rig.StartAsync();
        await rig.Coordinator.RegisterAgentAsync(new AgentIdentity { Id = "a", Type = AgentType.Coding }, () => new SlowDisposal(_end.Task));

        await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("a", _noTime).AsTask());

        Logged(rig, 1354).Should().Be(1);
        _end.SetException(new InvalidOperationException("late"));
        await Rig.UntilAsync(() => Logged(rig, 1341) == 1, "the failure to be logged");
    }

    /// <summary>What the hook cleans up with must not be disposed beneath it.</summary>
    [Fact]
    public async Task UnregisterAgentAsync_StopHookDoesNotEndInTime_TheAgentIsDisposedWhenItHas()
    {
        await using var rig = await Rig.StartAsync();
        var agent = new SlowStop(_end.Task);
        await rig.Coordinator.RegisterAgentAsync(new AgentIdentity { Id = "a", Type = AgentType.Coding }, () => agent);

        await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("a", _noTime).AsTask());
        await Rig.SettleAsync();

        (Logged(rig, 1346), agent.IsDisposed).Should().Be((1, false));
        _end.SetResult();
        await Rig.UntilAsync(() => agent.IsDisposed, "it to be disposed");
        Logged(rig, 1341).Should().Be(0);
    }

    [Fact]
    public async Task UnregisterAgentAsync_WhatTheHookRegisteredThrows_IsLoggedAndEndsNothing()
    {
        await using var rig = await Rig.StartAsync();
        await rig.Coordinator.RegisterAgentAsync(new Registering(_end.Task), AgentType.Coding, "a");

        await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("a", _noTime).AsTask());

        await Rig.UntilAsync(() => Logged(rig, 1356) == 1, "the failure to be logged");
        _end.SetResult();
    }

    [Fact]
    public async Task DispatchTaskAsync_WhatTheAgentRegisteredThrowsAtTheTimeLimit_IsLogged()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (_, token) =>
        {
            token.Register(static () => throw new InvalidOperationException("callback"));
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return TaskData.Empty;
        });

        await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(1), Retry = new RetrySettings { MaxRetries = 0 } }));

        await Rig.UntilAsync(() => Logged(rig, 1321) == 1, "the failure to be logged");
    }

    [Fact]
    public async Task UnregisterAgentAsync_StopHookBlocksItsThread_IsWaitedForAsLongAsItMay()
    {
        await using var rig = await Rig.StartAsync();
        using var end = new ManualResetEventSlim();
        await rig.Coordinator.RegisterAgentAsync(
            new LambdaAgent(static _ => TaskData.Empty) { OnStop = () => { end.Wait(); return default; } }, AgentType.Coding, "a");

        await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("a", _noTime).AsTask());

        Logged(rig, 1346).Should().Be(1);
        end.Set();
    }

    /// <summary>What the stop hook cleans up may be what the handler uses.</summary>
    [Fact]
    public async Task UnregisterAgentAsync_TheAgentHandlesAMessage_ItsStopHookWaitsForThat()
    {
        await using var rig = await Rig.StartAsync();
        var events = new ConcurrentQueue<string>();
        await AddHandlerAsync(rig, async () =>
        {
            await _end.Task;
            events.Enqueue("handled");
        }, () => events.Enqueue("stopped"));

        var unregistration = rig.Coordinator.UnregisterAgentAsync("a").AsTask();
        await Rig.SettleAsync();
        (events.Count, unregistration.IsCompleted).Should().Be((0, false));
        _end.SetResult();

        (await unregistration).Should().BeTrue();
        events.Should().Equal("handled", "stopped");
        Logged(rig, 1360).Should().Be(0);
    }

    [Fact]
    public async Task StopAsync_TheAgentHandlesAMessageForEver_WaitsForTheGracePeriod()
    {
        await using var rig = await Rig.StartAsync();
        var stopped = false;
        await AddHandlerAsync(rig, () => new ValueTask(_end.Task), () => stopped = true);
        var begun = rig.Time.GetUtcNow();

        await rig.DriveAsync(rig.Coordinator.StopAsync().AsTask());

        (rig.Time.GetUtcNow() - begun).Should().BeLessThan(TimeSpan.FromSeconds(6));
        stopped.Should().BeTrue();
        Logged(rig, 1360).Should().Be(1);
        _end.SetResult();
    }

    [Fact]
    public async Task UnregisterAgentAsync_ByTheHandlerOfAMessage_DoesNotWaitForItself()
    {
        await using var rig = await Rig.StartAsync();
        var unregistered = new TaskCompletionSource<bool>();
        await AddHandlerAsync(rig, async () => unregistered.SetResult(await rig.Coordinator.UnregisterAgentAsync("a")), static () => { });

        (await unregistered.Task.WaitAsync(TimeSpan.FromSeconds(20))).Should().BeTrue();
        rig.Coordinator.AgentIds.Should().BeEmpty();
    }

    /// <summary>What a handler began, and did not await, is not the handler any more: its context flows on, and it may itself unregister the agent.</summary>
    [Fact]
    public async Task UnregisterAgentAsync_ByWhatAnEarlierHandlerBegan_WaitsForTheMessageThatIsHandled()
    {
        await using var rig = await Rig.StartAsync();
        var events = new ConcurrentQueue<string>();
        var (mayLeave, unregistration, handles) = (new TaskCompletionSource(), new TaskCompletionSource<Task<bool>>(), new TaskCompletionSource());
        var handled = 0;
        var agent = new LambdaAgent(static _ => TaskData.Empty)
        {
            OnMessage = async message =>
            {
                if (++handled == 1)
                {
                    _ = LeaveAsync();
                    return;
                }

                handles.SetResult();
                await _end.Task;
                events.Enqueue("handled");
            },
            OnStop = () =>
            {
                events.Enqueue("stopped");
                return default;
            },
        };
        await rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, "a");
        await SendAsync(rig);
        await SendAsync(rig);
        await handles.Task;

        mayLeave.SetResult();
        var leaving = await unregistration.Task;
        await Rig.SettleAsync();
        (events.Count, leaving.IsCompleted).Should().Be((0, false));
        _end.SetResult();

        (await leaving).Should().BeTrue();
        events.Should().Equal("handled", "stopped");

        async Task LeaveAsync()
        {
            await mayLeave.Task;
            unregistration.SetResult(rig.Coordinator.UnregisterAgentAsync("a").AsTask());
        }
    }

    /// <summary>Registers an agent, sends it a message and waits until it handles that.</summary>
    private static async Task AddHandlerAsync(Rig rig, Func<ValueTask> handle, Action stop)
    {
        var handling = new TaskCompletionSource();
        var agent = new LambdaAgent(static _ => TaskData.Empty)
        {
            OnMessage = _ =>
            {
                handling.SetResult();
                return handle();
            },
            OnStop = () =>
            {
                stop();
                return default;
            },
        };
        await rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, "a");
        await SendAsync(rig);
        await handling.Task;
    }

    private static async Task SendAsync(Rig rig) =>
        await rig.Bus.PublishAsync(Channels.Agent("a"), new AgentMessage { Type = MessageType.Control, Sender = "test" });

    private static int Logged(Rig rig, int id) => rig.Logs.GetSnapshot().Count(entry => entry.Id.Id == id);

    private sealed class Registering(Task end) : BaseAgent
    {
        protected override async ValueTask OnStopAsync(CancellationToken cancellationToken)
        {
            cancellationToken.Register(static () => throw new InvalidOperationException("callback"));
            await end;
        }

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
    }

    private sealed class SlowStop(Task end) : BaseAgent, IDisposable
    {
        private volatile bool _isDisposed;

        public bool IsDisposed => _isDisposed;

        public void Dispose() => _isDisposed = true;

        protected override async ValueTask OnStopAsync(CancellationToken cancellationToken) => await end;

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
    }

    private sealed class SlowDisposal(Task end) : BaseAgent, IAsyncDisposable
    {
        public ValueTask DisposeAsync() => new(end);

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
    }
}
