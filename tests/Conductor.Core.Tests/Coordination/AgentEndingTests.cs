using Conductor.Agents;
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
        await rig.Coordinator.RegisterAgentAsync(new LambdaAgent(static _ => TaskData.Empty) { OnStop = () => new ValueTask(_end.Task) }, AgentType.Coding, "a");

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

    private sealed class SlowDisposal(Task end) : BaseAgent, IAsyncDisposable
    {
        public ValueTask DisposeAsync() => new(end);

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
    }
}
