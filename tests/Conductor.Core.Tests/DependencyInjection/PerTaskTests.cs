using Conductor.Agents;
using Conductor.DependencyInjection;
using Conductor.Messaging;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using static Conductor.Tests.Support.Containers;

namespace Conductor.Tests.DependencyInjection;

/// <summary>Agents that are made anew for each task: how they end, and who gets their messages.</summary>
public sealed class PerTaskTests : IAsyncLifetime
{
    private const string Id = "worker-1";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogCollector _logs = new();
    private readonly Script _script = new();
    private readonly TaskCompletionSource _never = new();
    private ConductorRuntime _conductor = null!;

    public async Task InitializeAsync() => _conductor = await StartAsync(
        builder => builder.AddAgent<Scripted>(Worker, lifetime: AgentLifetime.PerTask),
        services => services.AddSingleton<TimeProvider>(_time).AddSingleton<ILoggerFactory>(new FakeLoggerFactory(_logs)).AddSingleton(_script));

    public async Task DisposeAsync()
    {
        _never.TrySetResult();
        await DriveAsync(_conductor.DisposeAsync().AsTask());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OnStopAsync_Hangs_TheResultStandsAndTheAgentTakesTheNextTask(bool heedsItsToken)
    {
        _script.OnStop = token => new ValueTask(heedsItsToken ? Task.Delay(Timeout.Infinite, token) : _never.Task);

        var result = await DriveAsync(DispatchAsync());

        (result.Status, result.Attempts, result.Duration).Should().Be((AgentTaskStatus.Completed, 1, TimeSpan.Zero));
        _script.Runs.Should().Be(1, "what is done is not done again");
        if (!heedsItsToken)
        {
            _logs.GetSnapshot().Should().ContainSingle(static record => record.Id.Id == 1309);
        }

        _script.OnStop = static _ => default;
        (await DispatchAsync().WaitAsync(_limit)).IsSuccess.Should().BeTrue();
        _never.SetResult();
        await Rig.UntilAsync(() => _script.Disposals == 2, "the first to be disposed when its hook returns");
        _logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == 1308, "one that heeds its token has not failed");
    }

    /// <summary>
    /// Disposal is synchronous more often than not: what holds the thread is left to itself when the task's time limit and the grace period are
    /// over.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DisposeAsync_BlocksItsThread_TheResultStandsAndTheAgentTakesTheNextTask(bool inTheHook)
    {
        using var end = new ManualResetEventSlim();
        Func<ValueTask> block = () =>
        {
            end.Wait();
            return default;
        };
        _script.OnStop = _ => inTheHook ? block() : default;
        _script.OnDispose = () => inTheHook ? default : block();

        (await DriveAsync(DispatchAsync())).Status.Should().Be(AgentTaskStatus.Completed);

        _logs.GetSnapshot().Should().ContainSingle(static record => record.Id.Id == 1309);
        _logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == 1335, "nothing of the agent is set aside");
        (_script.OnStop, _script.OnDispose) = (static _ => default, static () => default);
        (await DispatchAsync().WaitAsync(_limit)).IsSuccess.Should().BeTrue();
        end.Set();
    }

    [Fact]
    public async Task DisposeAsync_HangsInTheScope_TheResultStands()
    {
        _script.OnDispose = () => new ValueTask(_never.Task);

        (await DriveAsync(DispatchAsync())).Status.Should().Be(AgentTaskStatus.Completed);

        _logs.GetSnapshot().Should().ContainSingle(static record => record.Id.Id == 1309);
        _never.SetResult();
    }

    [Fact]
    public async Task OnStopAsync_TakesItsTime_IsWaitedForBeforeTheResult()
    {
        var (stopping, stop) = (new TaskCompletionSource(), new TaskCompletionSource());
        _script.OnStop = _ =>
        {
            stopping.SetResult();
            return new ValueTask(stop.Task);
        };
        var dispatch = DispatchAsync();
        await stopping.Task.WaitAsync(_limit);
        _time.Advance(TimeSpan.FromSeconds(2));
        await Rig.SettleAsync();

        dispatch.IsCompleted.Should().BeFalse("the grace period is not over, though the task's time limit is");
        stop.SetResult();

        (await dispatch.WaitAsync(_limit)).Status.Should().Be(AgentTaskStatus.Completed);
        _script.Disposals.Should().Be(1);
    }

    [Fact]
    public async Task OnMessageAsync_ATaskRuns_GoesToItsInstance()
    {
        var (running, done) = (new TaskCompletionSource(), new TaskCompletionSource());
        _script.OnRun = async () =>
        {
            running.SetResult();
            await done.Task;
        };
        var dispatch = DispatchAsync();
        await running.Task.WaitAsync(_limit);

        await SendAsync(Id);
        await SendAsync(recipient: null);
        await Rig.UntilAsync(() => _script.Messages == 2, "both to come");

        done.SetResult();
        (await dispatch.WaitAsync(_limit)).IsSuccess.Should().BeTrue();
        _logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == 1310);
    }

    [Fact]
    public async Task OnMessageAsync_NoTaskRuns_IsLoggedWithWhatToDo()
    {
        (await DispatchAsync().WaitAsync(_limit)).IsSuccess.Should().BeTrue();

        await SendAsync(Id);
        await SendAsync(recipient: null);
        await Rig.UntilAsync(() => _logs.GetSnapshot().Count(static record => record.Id.Id == 1310) == 2, "both to be logged");

        var records = _logs.GetSnapshot().Where(static record => record.Id.Id == 1310).ToList();
        records.Select(static record => record.Level).Should()
            .BeEquivalentTo([LogLevel.Warning, LogLevel.Debug], "a message to all was meant for whoever is there");
        records[0].Message.Should().Contain(Id).And.Contain("AgentLifetime.PerAgent");
        _script.Messages.Should().Be(0);
    }

    [Fact]
    public async Task OnMessageAsync_HangsWhenTheTaskIsOver_TheInstanceEndsAfterTheGracePeriod()
    {
        var (running, task) = (new TaskCompletionSource(), new TaskCompletionSource());
        _script.OnMessage = () => _never.Task;
        _script.OnRun = () =>
        {
            running.SetResult();
            return task.Task;
        };
        var dispatch = DispatchAsync();
        await running.Task.WaitAsync(_limit);
        await SendAsync(Id);
        await Rig.UntilAsync(() => _script.Messages == 1, "the message");
        task.SetResult();

        (await DriveAsync(dispatch)).IsSuccess.Should().BeTrue();

        await Rig.UntilAsync(() => _script.Disposals == 1, "the instance to end");
    }

    /// <summary>What it uses must not be disposed beneath it.</summary>
    [Fact]
    public async Task OnMessageAsync_TakesLongerThanTheTask_IsWaitedForBeforeTheInstanceEnds()
    {
        var (running, done, handling, handled) = (
            new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        _script.OnRun = async () =>
        {
            running.SetResult();
            await done.Task;
        };
        _script.OnMessage = async () =>
        {
            handling.SetResult();
            await handled.Task;
        };
        var dispatch = DispatchAsync();
        await running.Task.WaitAsync(_limit);
        await SendAsync(Id);
        await handling.Task.WaitAsync(_limit);

        done.SetResult();
        await Rig.SettleAsync();

        (dispatch.IsCompleted, _script.Disposals).Should().Be((false, 0));
        handled.SetResult();
        (await dispatch.WaitAsync(_limit)).IsSuccess.Should().BeTrue();
        _script.Disposals.Should().Be(1);
    }

    private Task<TaskResult> DispatchAsync() => _conductor.Coordinator.DispatchTaskAsync(new TaskDefinition
    {
        AgentType = Worker,
        Timeout = TimeSpan.FromSeconds(1),
        Retry = new RetrySettings { MaxRetries = 1, InitialDelay = TimeSpan.Zero },
    }).AsTask();

    private ValueTask SendAsync(string? recipient) => _conductor.Bus.PublishAsync(
        recipient is null ? Channels.Broadcast : Channels
            .Agent(recipient), new AgentMessage { Type = MessageType.Control, Sender = "test", Recipient = recipient });

    private async Task<TaskResult> DriveAsync(Task<TaskResult> dispatch)
    {
        await DriveAsync((Task)dispatch);
        return await dispatch;
    }

    private async Task DriveAsync(Task task)
    {
        for (var i = 0; i < 200 && !task.IsCompleted; i++)
        {
            await Rig.SettleAsync();
            _time.Advance(TimeSpan.FromMilliseconds(250));
        }

        await task.WaitAsync(_limit);
    }

    /// <summary>What all instances do.</summary>
    private sealed class Script
    {
        public int Runs;
        public int Messages;
        public int Disposals;

        public Func<Task> OnRun { get; set; } = static () => Task.CompletedTask;

        public Func<Task> OnMessage { get; set; } = static () => Task.CompletedTask;

        public Func<CancellationToken, ValueTask> OnStop { get; set; } = static _ => default;

        public Func<ValueTask> OnDispose { get; set; } = static () => default;
    }

    private sealed class Scripted(Script script) : BaseAgent, IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            Interlocked.Increment(ref script.Disposals);
            return script.OnDispose();
        }

        protected override async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref script.Runs);
            await script.OnRun();
            return TaskData.From("done");
        }

        protected override ValueTask OnStopAsync(CancellationToken cancellationToken) => script.OnStop(cancellationToken);

        protected override async ValueTask OnMessageAsync(AgentMessage message, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref script.Messages);
            await script.OnMessage();
        }
    }
}
