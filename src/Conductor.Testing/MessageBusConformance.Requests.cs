using Conductor.Messaging;

namespace Conductor.Testing;

/// <content>Requests: answered only by a response to them.</content>
public sealed partial class MessageBusConformance
{
    private void AddRequestCases()
    {
        Add("A request gets its response", async bus =>
        {
            await AnswerAsync(bus, "questions").ConfigureAwait(false);
            var answer = await bus.RequestAsync("questions", Message("q", sender: "asker")).ConfigureAwait(false);
            Check.Equal("responder", answer.Sender, "the sender of the answer");
            Check.Equal("asker", answer.Recipient, "the recipient of the answer");
            Check.Equal("q", answer.CorrelationId, "the correlation id of the answer");
            Check.Equal(0, bus.PendingRequestCount, "pending requests");
        });
        Add("A request with a correlation id of its own is answered under that", async bus =>
        {
            await AnswerAsync(bus, "questions").ConfigureAwait(false);
            var answer = await bus.RequestAsync("questions", Message("q") with { CorrelationId = "own" }).ConfigureAwait(false);
            Check.Equal("own", answer.CorrelationId, "the correlation id of the answer");
        });
        Add("A response made by hand, with the request's id as its correlation, answers it", async bus =>
        {
            await bus.SubscribeAsync("questions", async (request, token) =>
            {
                var response = Message("by hand", sender: "responder") with { CorrelationId = request.Id };
                await bus.PublishAsync(request.Headers[MessageHeaders.ReplyTo], response, token).ConfigureAwait(false);
            }).ConfigureAwait(false);
            var answer = await bus.RequestAsync("questions", Message("q", sender: "asker")).ConfigureAwait(false);
            Check.Equal("by hand", answer.Id, "the id of the answer");
        });
        Add("Requests at the same time get each its own response", async bus =>
        {
            await AnswerAsync(bus, "questions").ConfigureAwait(false);
            var answers = await Check.RaceAsync(
                50, async racer => (await bus.RequestAsync("questions", Message($"q{racer}")).ConfigureAwait(false)).CorrelationId).ConfigureAwait(false);
            Check.Sequence(Enumerable.Range(0, 50).Select(static i => $"q{i}"), answers!, "correlation ids");
        });
        Add("A request is never answered by itself, though its requester listens on the channel", NotByItselfAsync);
        Add("A request is not answered by another request of the same exchange", NotByAnotherRequestAsync);
        Add("A request is not answered by a question of whoever is asked", NotByAQuestionBackAsync);
        Add("A request is not answered by the response to another request of the same exchange", NotByAnothersResponseAsync);
        Add("A request is not answered by an expired response", NotByExpiredAsync);
        Add("A duplicate of a response answers nothing, not even the next request of the same exchange", NotByDuplicateAsync);
        Add("Responding to what is no request is a wrong argument", bus => Check.ThrowsAsync<ArgumentException>(
            () => bus.RespondAsync(Message("m"), Answer(Message("m"))).AsTask(), "a response to a plain message"));
    }

    private static async Task NotByItselfAsync(MessageBus bus)
    {
        // The requester hears its own request, and somebody even publishes it again, to where the answer is awaited.
        var heard = await ListenAsync(bus, "questions").ConfigureAwait(false);
        await bus.SubscribeAsync("questions", async (request, token) =>
        {
            if (!request.Headers.TryGetValue(MessageHeaders.ReplyTo, out var replyTo))
            {
                return;
            }

            await bus.PublishAsync(replyTo, request, token).ConfigureAwait(false);
            await bus.RespondAsync(request, Answer(request), token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        var answer = await bus.RequestAsync(
            "questions", Message("q", sender: "asker") with { CorrelationId = "exchange", Recipient = "asker" }).ConfigureAwait(false);
        Check.Equal("responder", answer.Sender, "the sender of the answer");
        await ReceiveAsync(bus, "questions", 1, heard).ConfigureAwait(false);
    }

    private static async Task NotByAQuestionBackAsync(MessageBus bus)
    {
        // Whoever is asked wants to know something first, in the same exchange, and asks it of whoever asked.
        await bus.SubscribeAsync(
            "asker", async (question, token) => await bus.RespondAsync(question, Answer(question), token).ConfigureAwait(false)).ConfigureAwait(false);
        await bus.SubscribeAsync("questions", async (request, token) =>
        {
            var back = Message("back", sender: "responder") with { Recipient = "asker", CorrelationId = request.CorrelationId ?? request.Id };
            await bus.RequestAsync("asker", back, cancellationToken: token).ConfigureAwait(false);
            await bus.RespondAsync(request, Answer(request), token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        var answer = await bus.RequestAsync("questions", Message("q", sender: "asker")).ConfigureAwait(false);
        Check.True(answer.Id != "back", "an answer, not the question");
        Check.Equal("asker", answer.Recipient, "the recipient of the answer");
    }

    private static async Task NotByAnotherRequestAsync(MessageBus bus)
    {
        var asked = await CollectAsync(bus, "questions").ConfigureAwait(false);
        var first = bus.RequestAsync("questions", Message("q1", "asker") with { CorrelationId = "exchange" }).AsTask();
        var second = bus.RequestAsync("questions", Message("q2", "asker") with { CorrelationId = "exchange" }).AsTask();
        var requests = await asked(2).ConfigureAwait(false);
        Check.Equal(2, bus.PendingRequestCount, "pending requests");
        foreach (var request in requests)
        {
            await bus.RespondAsync(request, Answer(request)).ConfigureAwait(false);
        }

        Check.Equal("q1", InReplyTo(await first.ConfigureAwait(false)), "what the first answer replies to");
        Check.Equal("q2", InReplyTo(await second.ConfigureAwait(false)), "what the second answer replies to");
    }

    private static async Task NotByAnothersResponseAsync(MessageBus bus)
    {
        var asked = await CollectAsync(bus, "questions").ConfigureAwait(false);
        var first = bus.RequestAsync("questions", Message("q1", "asker") with { CorrelationId = "exchange" }).AsTask();
        await asked(1).ConfigureAwait(false);
        var second = bus.RequestAsync("questions", Message("q2", "asker") with { CorrelationId = "exchange" }).AsTask();
        var requests = await asked(2).ConfigureAwait(false);
        var request2 = requests.Single(static request => request.Id == "q2");
        await bus.RespondAsync(request2, Answer(request2)).ConfigureAwait(false);
        Check.Equal("q2", InReplyTo(await second.ConfigureAwait(false)), "what the second answer replies to");
        Check.True(!first.IsCompleted, "the first request to wait still");
        var request1 = requests.Single(static request => request.Id == "q1");
        await bus.RespondAsync(request1, Answer(request1)).ConfigureAwait(false);
        Check.Equal("q1", InReplyTo(await first.ConfigureAwait(false)), "what the first answer replies to");
    }

    private static async Task NotByExpiredAsync(MessageBus bus, ConformanceEnvironment environment)
    {
        await bus.SubscribeAsync("questions", async (request, token) =>
        {
            var old = environment.Time.GetUtcNow() - TimeSpan.FromSeconds(10);
            await bus.RespondAsync(
                request, Answer(request) with { Id = "expired", Timestamp = old, TimeToLive = TimeSpan.FromSeconds(1) }, token).ConfigureAwait(false);
            await bus.RespondAsync(request, Answer(request) with { Id = "fresh" }, token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        var answer = await bus.RequestAsync("questions", Message("q")).ConfigureAwait(false);
        Check.Equal("fresh", answer.Id, "the answer");
    }

    private static async Task NotByDuplicateAsync(MessageBus bus)
    {
        var asked = await CollectAsync(bus, "questions").ConfigureAwait(false);
        var first = bus.RequestAsync("questions", Message("q1", "asker") with { CorrelationId = "exchange" }).AsTask();
        var request = (await asked(1).ConfigureAwait(false))[0];
        var response = Answer(request);
        await bus.RespondAsync(request, response).ConfigureAwait(false);
        await first.ConfigureAwait(false);

        var second = bus.RequestAsync("questions", Message("q2", "asker") with { CorrelationId = "exchange" }).AsTask();
        var next = (await asked(2).ConfigureAwait(false))[1];
        await bus.RespondAsync(request, response).ConfigureAwait(false);
        await FlushAsync(bus, request.Headers[MessageHeaders.ReplyTo]).ConfigureAwait(false);
        Check.True(!second.IsCompleted, "the second request not to take the duplicate");
        await bus.RespondAsync(next, Answer(next)).ConfigureAwait(false);
        Check.Equal("q2", InReplyTo(await second.ConfigureAwait(false)), "what the second answer replies to");
    }

    private static string? InReplyTo(AgentMessage message) => message.Headers.GetValueOrDefault(MessageHeaders.InReplyTo);

    /// <summary>Collects what comes on a channel; the function waits for so many messages.</summary>
    private static async Task<Func<int, Task<IReadOnlyList<AgentMessage>>>> CollectAsync(MessageBus bus, string channel)
    {
        var received = new List<AgentMessage>();
        await bus.SubscribeAsync(channel, (message, _) =>
        {
            lock (received)
            {
                received.Add(message);
            }

            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        return async count =>
        {
            IReadOnlyList<AgentMessage> Now()
            {
                lock (received)
                {
                    return [.. received];
                }
            }

            await UntilAsync(() => Now().Count >= count).ConfigureAwait(false);
            return Now();
        };
    }
}
