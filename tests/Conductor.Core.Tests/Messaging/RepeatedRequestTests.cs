using Conductor.Messaging;

namespace Conductor.Tests.Messaging;

/// <summary>One message that is asked more than once at a time: each time has its own answer.</summary>
public sealed class RepeatedRequestTests : IAsyncLifetime, IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    private readonly InMemoryMessageBus _bus = new();

    public async Task InitializeAsync() => await _bus.ConnectAsync();

    public async Task DisposeAsync() => await _bus.DisposeAsync();

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    [Fact]
    public async Task RequestAsync_ByAHandlerWithTheQuestionThatItGot_GivesEachItsOwnAnswer()
    {
        await AnswerAsync("backend", static _ => Task.FromResult("raw"));
        await AnswerAsync("proxy", async question => $"cooked {TextOf(await _bus.RequestAsync("backend", question).AsTask().WaitAsync(_patience))}");

        var answer = await _bus.RequestAsync("proxy", Question()).AsTask().WaitAsync(_patience);

        (answer.Sender, TextOf(answer)).Should().Be(("proxy", "cooked raw"));
        _bus.PendingRequestCount.Should().Be(0);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("conversation")]
    public async Task RequestAsync_OneMessageOfTwoChannels_IsAnsweredByEach(string? conversation)
    {
        var mayAnswer = new TaskCompletionSource();
        var correlations = new List<string?>();
        foreach (var channel in (string[])["slow", "quick"])
        {
            await AnswerAsync(channel, async question =>
            {
                lock (correlations)
                {
                    correlations.Add(question.CorrelationId ?? question.Id);
                }

                await (channel == "slow" ? mayAnswer.Task : Task.CompletedTask);
                return channel;
            });
        }

        var question = Question() with { CorrelationId = conversation };

        var slow = _bus.RequestAsync("slow", question).AsTask();
        var quick = await _bus.RequestAsync("quick", question).AsTask().WaitAsync(_patience);
        mayAnswer.SetResult();

        (TextOf(quick), TextOf(await slow.WaitAsync(_patience))).Should().Be(("quick", "slow"));
        correlations.Should().HaveCount(2).And.OnlyContain(correlation => correlation == (conversation ?? question.Id), "it is one conversation");
    }

    private static AgentMessage Question() => new() { Type = MessageType.Control, Sender = "asker" };

    private static string TextOf(AgentMessage message) => ((DataPayload)message.Payload!).Data.Get<string>();

    private async Task AnswerAsync(string channel, Func<AgentMessage, Task<string>> answer) => await _bus.SubscribeAsync(
        channel,
        async (question, token) => await _bus.RespondAsync(
            question, question.CreateResponse(MessageType.Control, channel, new DataPayload { Data = await answer(question) }), token));
}
