using System.Text.Json;
using Conductor.Messaging;
using Conductor.Serialization;

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
    public void Id_NotGiven_IsOneTextThatCopiesShare()
    {
        var message = new AgentMessage { Type = MessageType.Control, Sender = "a" };
        var copy = message with { };
        var later = new AgentMessage { Type = MessageType.Control, Sender = "a" };

        message.Id.Should().HaveLength(28).And.Be(message.Id);
        copy.Id.Should().Be(message.Id);
        string.CompareOrdinal(later.Id, message.Id).Should().BePositive("ids sort in the order they were made");
    }

    [Fact]
    public void Equals_ComparesTheTextsOfIdsHoweverTheyWereMade()
    {
        var message = new AgentMessage { Type = MessageType.Control, Sender = "a" };
        var unread = message with { };
        var given = new AgentMessage { Id = message.Id, Type = MessageType.Control, Sender = "a" };
        var other = new AgentMessage { Type = MessageType.Control, Sender = "a" };

        unread.Should().Be(message);
        given.Should().Be(message).And.Be(unread);
        new[] { given.GetHashCode(), unread.GetHashCode() }.Should().AllBeEquivalentTo(message.GetHashCode());
        other.Should().NotBe(message);
        (other with { Id = message.Id }).Should().Be(message);
        (message with { Id = "mine" }).Id.Should().Be("mine");
        (message with { Id = "mine" }).Should().NotBe(message).And.Be(other with { Id = "mine" });
    }

    [Fact]
    public void Json_ThereAndBack_KeepsTheId()
    {
        var message = new AgentMessage { Type = MessageType.Control, Sender = "a" };

        var json = JsonSerializer.Serialize(message, ConductorJson.Options);
        var back = JsonSerializer.Deserialize<AgentMessage>(json, ConductorJson.Options)!;

        json.Should().Contain($"\"id\":\"{message.Id}\"");
        back.Id.Should().Be(message.Id);
        JsonSerializer.Deserialize<AgentMessage>("""{"type":"control","sender":"a","priority":"low"}""", ConductorJson.Options)!.Id.Should().HaveLength(28);
    }

    [Fact]
    public void IsBroadcast_WithoutRecipient()
    {
        var message = new AgentMessage { Type = MessageType.Control, Sender = "a" };

        message.IsBroadcast.Should().BeTrue();
        (message with { Recipient = "b" }).IsBroadcast.Should().BeFalse();
        message.Priority.Should().Be(TaskPriority.Medium);
    }

    [Fact]
    public void IsExpired_NotSentYet_IsFalse() =>
        new AgentMessage { Type = MessageType.Control, Sender = "a", TimeToLive = TimeSpan.FromSeconds(5) }
            .IsExpired(_now).Should().BeFalse("its time runs from when it is published");
}
