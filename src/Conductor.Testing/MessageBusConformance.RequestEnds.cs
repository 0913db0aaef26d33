using Conductor.Messaging;

namespace Conductor.Testing;

/// <content>Requests that end without an answer leave nothing behind.</content>
public sealed partial class MessageBusConformance
{
    private void AddRequestEndCases()
    {
        Add("A request that nobody answers ends at its time limit with REQUEST_TIMEOUT and leaves nothing behind", async (bus, environment) =>
        {
            var request = bus.RequestAsync("nobody", Message("q"), TimeSpan.FromSeconds(5)).AsTask();
            await UntilAsync(() => environment.Time.TimerCount > 0).ConfigureAwait(false);
            environment.Time.Advance(TimeSpan.FromSeconds(4.9));
            Check.True(!request.IsCompleted, "the request to wait until its limit");
            environment.Time.Advance(TimeSpan.FromSeconds(0.1));
            await Check.FailsAsync(ErrorCodes.RequestTimeout, () => request, "the request").ConfigureAwait(false);
            Check.Equal(0, bus.PendingRequestCount, "pending requests");
        });
        Add("A request's time limit holds even if the responder hangs", HangingResponderAsync);
        Add("An answer that comes after the time limit is ignored", LateAnswerAsync);
        Add("A request that timed out is not sent again by itself", async (bus, environment) =>
        {
            var asked = await ListenAsync(bus, "questions").ConfigureAwait(false);
            var request = bus.RequestAsync("questions", Message("q"), TimeSpan.FromSeconds(1)).AsTask();
            await UntilAsync(() => !asked.IsEmpty && environment.Time.TimerCount > 0).ConfigureAwait(false);
            environment.Time.Advance(TimeSpan.FromSeconds(1));
            await Check.FailsAsync(ErrorCodes.RequestTimeout, () => request, "the request").ConfigureAwait(false);
            environment.Time.Advance(TimeSpan.FromMinutes(5));
            await FlushAsync(bus, "questions").ConfigureAwait(false);
            Check.Equal(1, asked.Count(static id => id == "q"), "times the request was published");
        });
        Add("A request that is cancelled leaves nothing behind", async bus =>
        {
            using var cancellation = new CancellationTokenSource();
            var request = bus.RequestAsync("nobody", Message("q"), cancellationToken: cancellation.Token).AsTask();
            await UntilAsync(() => bus.PendingRequestCount >= 1).ConfigureAwait(false);
            await cancellation.CancelAsync().ConfigureAwait(false);
            await Check.ThrowsAsync<OperationCanceledException>(() => request, "the request").ConfigureAwait(false);
            Check.Equal(0, bus.PendingRequestCount, "pending requests");
        });
        Add("A request that is cancelled already is not published", async bus =>
        {
            var asked = await ListenAsync(bus, "questions").ConfigureAwait(false);
            await Check.ThrowsAsync<OperationCanceledException>(
                () => bus.RequestAsync("questions", Message("q"), cancellationToken: new CancellationToken(canceled: true)).AsTask(),
                "the request").ConfigureAwait(false);
            await FlushAsync(bus, "questions").ConfigureAwait(false);
            Check.Equal(0, asked.Count(static id => id == "q"), "requests published");
        });
        Add("Disconnect fails every pending request with BUS_DISCONNECTED and leaves nothing behind", async bus =>
        {
            var requests = Enumerable.Range(0, 3).Select(i => bus.RequestAsync("nobody", Message($"q{i}")).AsTask()).ToList();
            await UntilAsync(() => bus.PendingRequestCount >= 3).ConfigureAwait(false);
            await bus.DisconnectAsync().ConfigureAwait(false);
            foreach (var request in requests)
            {
                await Check.FailsAsync(ErrorCodes.BusDisconnected, () => request, "a pending request").ConfigureAwait(false);
            }

            Check.Equal(0, bus.PendingRequestCount, "pending requests");
        });
        Add("Requests that race with disconnect all end", RequestsRaceDisconnectAsync);
        Add("A request needs a time limit over zero", bus => Check.ThrowsAsync<ArgumentOutOfRangeException>(
            () => bus.RequestAsync("c", Message("q"), TimeSpan.Zero).AsTask(), "a time limit of zero"));
    }

    private static async Task HangingResponderAsync(MessageBus bus, ConformanceEnvironment environment)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await bus.SubscribeAsync("questions", async (_, _) =>
        {
            started.TrySetResult();
            await release.Task.ConfigureAwait(false);
        }).ConfigureAwait(false);
        var request = bus.RequestAsync("questions", Message("q"), TimeSpan.FromSeconds(5)).AsTask();
        await started.Task.ConfigureAwait(false);
        await UntilAsync(() => environment.Time.TimerCount > 0).ConfigureAwait(false);
        environment.Time.Advance(TimeSpan.FromSeconds(5));
        await Check.FailsAsync(ErrorCodes.RequestTimeout, () => request, "the request").ConfigureAwait(false);
        release.SetResult();
    }

    private static async Task LateAnswerAsync(MessageBus bus, ConformanceEnvironment environment)
    {
        var asked = await CollectAsync(bus, "questions").ConfigureAwait(false);
        var late = bus.RequestAsync("questions", Message("q1", "asker") with { CorrelationId = "exchange" }, TimeSpan.FromSeconds(5)).AsTask();
        var request = (await asked(1).ConfigureAwait(false))[0];
        await UntilAsync(() => environment.Time.TimerCount > 0).ConfigureAwait(false);
        environment.Time.Advance(TimeSpan.FromSeconds(5));
        await Check.FailsAsync(ErrorCodes.RequestTimeout, () => late, "the request").ConfigureAwait(false);

        var second = bus.RequestAsync("questions", Message("q2", "asker") with { CorrelationId = "exchange" }).AsTask();
        var next = (await asked(2).ConfigureAwait(false))[1];
        await bus.RespondAsync(request, Answer(request)).ConfigureAwait(false);
        await bus.RespondAsync(next, Answer(next)).ConfigureAwait(false);
        Check.Equal("q2", InReplyTo(await second.ConfigureAwait(false)), "what the next answer replies to");
    }

    private static async Task RequestsRaceDisconnectAsync(MessageBus bus)
    {
        for (var round = 0; round < 20; round++)
        {
            await bus.ConnectAsync().ConfigureAwait(false);
            var codes = await Check.RaceAsync(4, async racer =>
            {
                if (racer == 0)
                {
                    await bus.DisconnectAsync().ConfigureAwait(false);
                    return string.Empty;
                }

                try
                {
                    await bus.RequestAsync("nobody", Message($"q{racer}")).ConfigureAwait(false);
                    return "answered";
                }
                catch (BusException exception)
                {
                    return exception.ErrorCode;
                }
            }).ConfigureAwait(false);
            Check.True(
                codes.Skip(1).All(static code => code is ErrorCodes.BusDisconnected or ErrorCodes.BusNotConnected),
                $"requests to end as disconnected, found {string.Join(", ", codes)}");
            Check.Equal(0, bus.PendingRequestCount, "pending requests");
        }
    }
}
