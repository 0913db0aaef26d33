using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.Tests.Support;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Messaging;

/// <summary>Requests that end before they are published.</summary>
public sealed class LateRequestTests
{
    [Fact]
    public async Task RequestAsync_PublishingThatFailsAfterTheWait_IsLoggedAndNoUnobservedFailure()
    {
        using var unobserved = new UnobservedFailures();
        var channel = EntityId.New();

        await RequestInVainAsync(channel);

        unobserved.Of(channel).Should().BeEmpty();
    }

    /// <summary>A request is not a wait for a store: its time is what its caller has.</summary>
    [Fact]
    public async Task RequestAsync_ClockThatComesLate_EndsAtItsLimit()
    {
        var time = new FakeTimeProvider();
        await using var bus = new InMemoryMessageBus(new ConductorEnvironment(time));
        await bus.ConnectAsync();
        var answer = bus.RequestAsync("nobody", new AgentMessage { Type = MessageType.StatusUpdate, Sender = "s" }, TimeSpan.FromSeconds(30)).AsTask();

        time.Advance(TimeSpan.FromSeconds(60));

        (await FluentActions.Awaiting(() => answer.WaitAsync(TimeSpan.FromSeconds(20))).Should().ThrowAsync<BusException>())
            .Which.ErrorCode.Should().Be(ErrorCodes.RequestTimeout);
        bus.PendingRequestCount.Should().Be(0);
    }

    /// <summary>Between the timer and whoever waits for it: as the exception of the wait is thrown.</summary>
    [Fact]
    public async Task RequestAsync_AnswerComesAsItsTimeIsOver_GivesTheAnswer()
    {
        var (time, mayEnd, question) = (new FakeTimeProvider(), new TaskCompletionSource(), (AgentMessage?)null);
        await using var bus = new TroubledBus(new ConductorEnvironment(time));
        bus.HangsPublishing = message =>
        {
            question ??= message;
            return question == message ? mayEnd.Task : Task.CompletedTask;
        };
        await bus.ConnectAsync();

        // (On the pool, where what waits goes on within what it waited for.)
        var answer = await Task.Run(async () =>
        {
            var request = bus.RequestAsync("c", new AgentMessage { Type = MessageType.Control, Sender = "s" }, TimeSpan.FromSeconds(1)).AsTask();
            await bus.RespondAsync(question!, question!.CreateResponse(MessageType.Control, "answerer", new DataPayload { Data = "in time" }));
            PassTimeWith(() => mayEnd.TrySetResult());
            return await request;
        });

        answer.Sender.Should().Be("answerer");
        bus.PendingRequestCount.Should().Be(0);

        void PassTimeWith(Action atTimeout)
        {
            var thread = Environment.CurrentManagedThreadId;
            EventHandler<FirstChanceExceptionEventArgs> thrown = (_, happening) =>
            {
                if (happening.Exception is TimeoutException && Environment.CurrentManagedThreadId == thread)
                {
                    atTimeout();
                }
            };
            AppDomain.CurrentDomain.FirstChanceException += thrown;
            time.Advance(TimeSpan.FromSeconds(1));
            AppDomain.CurrentDomain.FirstChanceException -= thrown;
        }
    }

    /// <summary>In a method of its own: nothing may hold on to its tasks.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task RequestInVainAsync(string channel)
    {
        var (time, logs, mayFail) = (new FakeTimeProvider(), new FakeLogCollector(), new TaskCompletionSource());
        await using var bus = new TroubledBus(new ConductorEnvironment(time, new FakeLoggerFactory(logs)));
        bus.Fails = _ => new IOException($"No server has {channel}.");
        bus.FailsAfter = () => mayFail.Task;
        await bus.ConnectAsync();
        var answer = bus.RequestAsync(channel, new AgentMessage { Type = MessageType.StatusUpdate, Sender = "s" }, TimeSpan.FromSeconds(1)).AsTask();
        time.Advance(TimeSpan.FromSeconds(1));
        (await FluentActions.Awaiting(() => answer).Should().ThrowAsync<BusException>()).Which.ErrorCode.Should().Be(ErrorCodes.RequestTimeout);

        mayFail.SetResult();

        await Rig.UntilAsync(() => logs.GetSnapshot().Any(static log => log.Id.Id == 1108), "the log");
        logs.GetSnapshot().Single(static log => log.Id.Id == 1108).Exception!.ToString().Should().Contain(channel);
    }
}
