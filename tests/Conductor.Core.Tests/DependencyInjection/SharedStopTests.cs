using Conductor.DependencyInjection;
using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using static Conductor.Tests.Support.Containers;

namespace Conductor.Tests.DependencyInjection;

/// <summary>A stop that several ask for, and one that begins with the end of the container.</summary>
public sealed class SharedStopTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);
    private readonly TaskCompletionSource _begun = new();
    private readonly TaskCompletionSource _end = new();

    [Fact]
    public async Task StopAsync_AnotherStopWaits_EndsItsWaitingToo()
    {
        await using var conductor = await StartAsync(
            builder => builder.AddAgent(Worker, _ => Working(static token => Task.Delay(Timeout.InfiniteTimeSpan, token))));
        var dispatch = conductor.Coordinator.DispatchTaskAsync(Rig.NewTask(Worker)).AsTask();
        await _begun.Task;
        var patient = conductor.StopAsync();
        patient.IsCompleted.Should().BeFalse("a task runs");

        await conductor.StopAsync(new CancellationToken(canceled: true)).WaitAsync(_limit);

        await patient.WaitAsync(_limit);
        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task DisposeAsync_TheCoordinatorStops_EndsItsWaiting()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (_, token) =>
        {
            _begun.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return TaskData.Empty;
        });
        var dispatch = rig.DispatchAsync();
        await _begun.Task;
        var patient = rig.Coordinator.StopAsync().AsTask();

        await rig.Coordinator.DisposeAsync().AsTask().WaitAsync(_limit);

        await patient.WaitAsync(_limit);
        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<OperationCanceledException>();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopAsync_AskedForByAStopHook_DoesNotWaitForItself(bool ofTheCoordinator)
    {
        ConductorRuntime? conductor = null;
        conductor = await StartAsync(builder => builder.AddAgent(Worker, _ => new LambdaAgent(static _ => TaskData.Empty)
        {
            OnStop = async () => await (ofTheCoordinator ? conductor!.Coordinator.StopAsync().AsTask() : conductor!.StopAsync()),
        }));

        await conductor.StopAsync().WaitAsync(_limit);
    }

    [Fact]
    public async Task StopAsync_TheStoreDoesNotDisconnect_IsLeftToItselfAfterTheGracePeriod()
    {
        var (time, logs) = (new FakeTimeProvider(), new FakeLogCollector());
        var conductor = await StartAsync(
            builder => builder.UseStateManager(_ => new SlowDisconnect(_begun, _end.Task)),
            services => services.AddSingleton<TimeProvider>(time).AddLogging(builder => builder.AddProvider(new FakeLoggerProvider(logs))));
        var stop = conductor.StopAsync(new CancellationToken(canceled: true));
        await _begun.Task;
        stop.IsCompleted.Should().BeFalse("the store has the grace period");

        time.Advance(TimeSpan.FromSeconds(6));

        await stop.WaitAsync(_limit);
        logs.GetSnapshot().Should().ContainSingle(static record => record.Id.Id == 1003).Which.Message.Should().Contain("store");
        _end.SetException(new IOException("the disk is gone"));
        await Rig.UntilAsync(() => logs.GetSnapshot().Any(static record => record.Id.Id == 1002), "the late failure to be logged");
    }

    /// <summary>One that waits for a file that is locked, say, gives it up then.</summary>
    [Fact]
    public async Task StopAsync_TheStoreDoesNotDisconnect_IsToldWhenTheGracePeriodIsOver()
    {
        var time = new FakeTimeProvider();
        var conductor = await StartAsync(
            builder => builder.UseStateManager(_ => new SlowDisconnect(_begun, _end.Task) { HeedsToken = true }),
            services => services.AddSingleton<TimeProvider>(time));
        var stop = conductor.StopAsync(new CancellationToken(canceled: true));
        await _begun.Task;

        time.Advance(TimeSpan.FromSeconds(6));

        await stop.WaitAsync(_limit);
        await conductor.State.DisposeAsync().AsTask().WaitAsync(_limit);
    }

    [Fact]
    public async Task StopAsync_TheBusTakesAllOfTheGracePeriod_TheStoreIsDisconnectedAllTheSame()
    {
        var time = new FakeTimeProvider();
        var bus = new TroubledBus(new ConductorEnvironment(time));
        var conductor = await StartAsync(builder => builder.UseMessageBus(_ => bus), services => services.AddSingleton<TimeProvider>(time));
        bus.Hangs = _end.Task;
        var stop = conductor.StopAsync(new CancellationToken(canceled: true));
        await Rig.UntilAsync(() => !bus.IsConnected, "the bus to begin");

        time.Advance(TimeSpan.FromSeconds(6));

        await stop.WaitAsync(_limit);
        conductor.State.IsConnected.Should().BeFalse();
        _end.SetResult();
    }

    [Fact]
    public async Task DisposeAsync_OfTheContainerWhileATaskRuns_WhatTheAgentWasGivenLivesUntilItEnds()
    {
        var services = new ServiceCollection();
        services.AddSingleton<Given>();
        services.AddConductor().AddAgent(Worker, provider =>
        {
            var given = provider.GetRequiredService<Given>();
            return Working(_ => _end.Task, () => TaskData.From(given.IsDisposed));
        });
        var container = services.BuildServiceProvider();
        var conductor = await container.StartConductorAsync();
        var dispatch = conductor.DispatchAsync<bool>(Worker).AsTask();
        await _begun.Task;

        var disposal = container.DisposeAsync().AsTask();
        _end.SetResult();

        (await dispatch.WaitAsync(_limit)).Should().BeFalse();
        await disposal.WaitAsync(_limit);
    }

    [Fact]
    public async Task DisposeAsync_OfTheContainerWhileATaskNeedsIt_NothingIsRecorded()
    {
        var services = new ServiceCollection();
        var store = new InMemoryStateManager();
        services.AddSingleton<Given>();
        services.AddConductor().UseStateManager(_ => new Unowned(store)).AddAgent<bool>(Worker, async (task, _) =>
        {
            _begun.SetResult();
            await _end.Task;
            return task.Services.GetRequiredService<Given>().IsDisposed;
        });
        var container = services.BuildServiceProvider();
        var conductor = await container.StartConductorAsync();
        var task = Rig.NewTask(Worker);
        var dispatch = conductor.Coordinator.DispatchTaskAsync(task).AsTask();
        await _begun.Task;

        var disposal = container.DisposeAsync().AsTask();
        _end.SetResult();

        await FluentActions.Awaiting(() => dispatch.WaitAsync(_limit)).Should().ThrowAsync<NoAvailableAgentException>()
            .WithMessage("*container*dispatch it again*");
        await disposal.WaitAsync(_limit);
        await store.ConnectAsync();
        (await store.GetTaskResultAsync(task.Id)).Should().BeNull();
        (await store.ListDeadLettersAsync()).Items.Should().BeEmpty();
    }

    /// <summary>What was made while tasks ran is disposed before anything of Conductor hears of the end.</summary>
    [Fact]
    public async Task DisposeAsync_OfTheContainerWithWhatATaskMade_WhatFailsOfThatIsNotRecorded()
    {
        var services = new ServiceCollection();
        var late = new Late(_end);
        services.AddSingleton(_ => late);
        services.AddConductor().AddAgent<bool>(Worker, async (task, _) =>
        {
            var made = task.Services.GetRequiredService<Late>();
            _begun.SetResult();
            await _end.Task;
            return made.IsDisposed ? throw new ObjectDisposedException(nameof(Late)) : false;
        });
        var container = services.BuildServiceProvider();
        var conductor = await container.StartConductorAsync();
        late.Dispatch = conductor.Coordinator.DispatchTaskAsync(Rig.NewTask(Worker)).AsTask();
        await _begun.Task;

        await container.DisposeAsync();

        await FluentActions.Awaiting(() => late.Dispatch).Should().ThrowAsync<NoAvailableAgentException>();
    }

    private LambdaAgent Working(Func<CancellationToken, Task> work, Func<TaskData>? output = null) => new(async (_, token) =>
    {
        _begun.SetResult();
        await work(token);
        return output?.Invoke() ?? TaskData.Empty;
    });

    private sealed class Given : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }

    /// <summary>Made late, disposed first; its disposal waits for those who need it.</summary>
    private sealed class Late(TaskCompletionSource end) : IAsyncDisposable
    {
        public bool IsDisposed { get; private set; }

        public Task? Dispatch { get; set; }

        public async ValueTask DisposeAsync()
        {
            IsDisposed = true;
            end.SetResult();
            await Dispatch!.WaitAsync(_limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Outlives the container.</summary>
    private sealed class Unowned(StateManager store) : DelegatingStateManager(store)
    {
#pragma warning disable CA2215 // Which would dispose the store, too.
        protected override ValueTask DisposeCoreAsync() => ValueTask.CompletedTask;
#pragma warning restore CA2215
    }

    private sealed class SlowDisconnect(TaskCompletionSource begun, Task end) : DelegatingStateManager(new InMemoryStateManager())
    {
        public bool HeedsToken { get; init; }

        protected override async ValueTask DisconnectCoreAsync(CancellationToken cancellationToken)
        {
            begun.SetResult();
            await end.WaitAsync(HeedsToken ? cancellationToken : CancellationToken.None);
        }
    }
}
