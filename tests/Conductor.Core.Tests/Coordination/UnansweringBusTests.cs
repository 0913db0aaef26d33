using Conductor.Coordination;
using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>A bus that does not answer, or that loses the one message that counts: time limits hold, and what stops comes to its end.</summary>
public sealed class UnansweringBusTests
{
    private static readonly RetrySettings _once = new() { MaxRetries = 0 };
    private readonly TaskCompletionSource _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DispatchTaskAsync_ResultOfTheTimeLimitIsLost_TimesOutAllTheSame(bool ignoresItsToken)
    {
        await using var rig = await StartAsync();
        var mayEnd = new TaskCompletionSource();
        ((TroubledBus)rig.Bus).Loses = static message => message.Type == MessageType.TaskResult;
        await rig.AddAsync(async (_, token) =>
        {
            await (ignoresItsToken ? mayEnd.Task : Task.Delay(Timeout.Infinite, token));
            return TaskData.Empty;
        });

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(10), Retry = _once }));

        result.Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        result.Error.Message.Should().Contain("did not come over the bus");
        rig.Coordinator.RunningTasks.Should().Be(0);
        mayEnd.SetResult();
    }

    [Fact]
    public async Task UnregisterAgentAsync_ResultOfTheTimeLimitIsLost_EndsWithIt()
    {
        await using var rig = await StartAsync();
        ((TroubledBus)rig.Bus).Loses = static message => message.Type == MessageType.TaskResult;
        await rig.AddAsync(
            static async (_, token) =>
            {
                await Task.Delay(Timeout.Infinite, token);
                return TaskData.Empty;
            },
            id: "a");
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(10), Retry = _once });

        (await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("a").AsTask())).Should().BeTrue();

        (await rig.DriveAsync(dispatch)).Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(5)]
    public async Task DispatchTaskAsync_PublishingIsNotAnswered_TimeLimitHolds(int? deadline)
    {
        await using var rig = await StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty);
        ((TroubledBus)rig.Bus).HangsPublishing = message => message.Type == MessageType.TaskAssignment ? _answer.Task : Task.CompletedTask;

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with
        {
            Timeout = TimeSpan.FromSeconds(10), Deadline = deadline is { } seconds ? TimeSpan.FromSeconds(seconds) : null, Retry = _once,
        }));

        result.Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        rig.Logs.GetSnapshot().Should().Contain(static log => log.Id.Id == 1365);
        _answer.SetException(new IOException("The server is gone."));
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static log => log.Id.Id == 1366), "the log");
    }

    [Fact]
    public async Task DispatchTaskAsync_PublishingIsNotAnswered_CanBeCancelled()
    {
        await using var rig = await StartAsync();
        var ran = 0;
        await rig.AddAsync(_ => TaskData.From(++ran));
        ((TroubledBus)rig.Bus).HangsPublishing = message => message.Type == MessageType.TaskAssignment ? _answer.Task : Task.CompletedTask;
        using var cancellation = new CancellationTokenSource();
        var dispatch = rig.DispatchAsync(cancellationToken: cancellation.Token);

        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => rig.DriveAsync(dispatch)).Should().ThrowAsync<OperationCanceledException>();
        ((TroubledBus)rig.Bus).HangsPublishing = static _ => Task.CompletedTask;
        (await rig.DriveAsync(rig.DispatchAsync())).Output.Get<int>().Should().Be(1);

        // What comes of it at last is of an attempt that is over.
        _answer.SetResult();
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static log => log.Id.Id == 1303), "the refusal");
        ran.Should().Be(1);
    }

    [Fact]
    public async Task StopAsync_UnsubscribingIsNotAnswered_EndsAGracePeriodAfterItsToken()
    {
        await using var rig = await StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty);
        ((TroubledBus)rig.Bus).HangsUnsubscribing = _answer.Task;

        await rig.DriveAsync(rig.Coordinator.StopAsync(new CancellationToken(canceled: true)).AsTask());

        rig.Logs.GetSnapshot().Should().Contain(static log => log.Id.Id == 1367);
        _answer.SetResult();
    }

    [Fact]
    public async Task UnregisterAgentAsync_UnsubscribingIsNotAnswered_EndsAGracePeriodAfterItsToken()
    {
        await using var rig = await StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        ((TroubledBus)rig.Bus).HangsUnsubscribing = _answer.Task;

        (await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("a", new CancellationToken(canceled: true)).AsTask())).Should().BeTrue();

        _answer.SetResult();
    }

    [Fact]
    public async Task StopAsync_SubscribingOfTheStartIsNotAnswered_StartIsGivenUp()
    {
        await using var rig = await StartAsync();
        var bus = (TroubledBus)rig.Bus;
        bus.HangsSubscribing = _answer.Task;
        await using var late = new AgentCoordinator(rig.Bus, rig.State, rig.Policies, rig.Errors, options: null, rig.Environment);
        var start = late.StartAsync().AsTask();

        await rig.DriveAsync(late.StopAsync(new CancellationToken(canceled: true)).AsTask());

        await FluentActions.Awaiting(() => rig.DriveAsync(start)).Should().ThrowAsync<InvalidOperationException>();
        var before = bus.Unsubscribed;
        _answer.SetResult();
        await Rig.UntilAsync(() => bus.Unsubscribed > before, "what came late to be unsubscribed");
    }

    private static Task<Rig> StartAsync() => Rig.StartAsync(new RigOptions { Bus = static environment => new TroubledBus(environment) });
}
