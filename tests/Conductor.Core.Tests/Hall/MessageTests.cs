using Conductor.Messaging;

namespace Conductor.Tests.Hall;

public sealed class MessageTests
{
    private static readonly DateTimeOffset _now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void CreateResponse_FollowsTheRules()
    {
        var request = new AgentMessage
        {
            Type = MessageType.Control, Sender = "asker", Recipient = "responder", Priority = TaskPriority.High, TimeToLive = TimeSpan.FromSeconds(5),
        };

        var response = request.CreateResponse(MessageType.StatusUpdate, "responder");

        response.Recipient.Should().Be("asker");
        response.Sender.Should().Be("responder");
        response.CorrelationId.Should().Be(request.Id);
        response.Priority.Should().Be(TaskPriority.High);
        response.TimeToLive.Should().BeNull();
        response.Id.Should().NotBe(request.Id);
        response.Headers.Should().Contain(MessageHeaders.InReplyTo, request.Id);
    }

    [Fact]
    public void CreateResponse_OfAMessageInAnExchange_KeepsItsCorrelation() =>
        new AgentMessage { Type = MessageType.Control, Sender = "a", CorrelationId = "exchange" }
            .CreateResponse(MessageType.Control, "b").CorrelationId.Should().Be("exchange");

    [Theory]
    [InlineData(4.999, false)]
    [InlineData(5.0, false)]
    [InlineData(5.001, true)]
    public void IsExpired_OnlyWhenStrictlyOlder(double age, bool expired) =>
        new AgentMessage { Type = MessageType.Control, Sender = "a", Timestamp = _now, TimeToLive = TimeSpan.FromSeconds(5) }
            .IsExpired(_now.AddSeconds(age)).Should().Be(expired);

    [Fact]
    public void IsExpired_WithoutTimeToLive_Never() =>
        new AgentMessage { Type = MessageType.Control, Sender = "a", Timestamp = _now }.IsExpired(DateTimeOffset.MaxValue).Should().BeFalse();

    [Fact]
    public void IsBroadcast_WithoutRecipient()
    {
        var message = new AgentMessage { Type = MessageType.Control, Sender = "a" };

        message.IsBroadcast.Should().BeTrue();
        (message with { Recipient = "b" }).IsBroadcast.Should().BeFalse();
        message.Priority.Should().Be(TaskPriority.Medium);
    }
}
