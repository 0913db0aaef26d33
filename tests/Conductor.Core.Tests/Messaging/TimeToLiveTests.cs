using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Messaging;

/// <summary>A message that is worth delivering for no time would be delivered to nobody.</summary>
public sealed class TimeToLiveTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public async Task PublishAsync_TimeToLiveNotOverZero_IsRefusedWithTheFix(int seconds)
    {
        await using var rig = await Rig.StartAsync();

        await FluentActions.Awaiting(() => rig.Bus.PublishAsync("c", Living(seconds)).AsTask()).Should().ThrowAsync<ArgumentOutOfRangeException>()
            .WithParameterName("message").WithMessage(
                $"AgentMessage.TimeToLive is {TimeSpan.FromSeconds(seconds)}; set it over zero, or leave it out for a message that is always delivered.*");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public async Task RequestAsync_TimeToLiveNotOverZero_IsRefusedAtOnce(int seconds)
    {
        await using var rig = await Rig.StartAsync();

        var request = () => rig.Bus.RequestAsync("c", Living(seconds)).AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        (await request.Should().ThrowAsync<ArgumentOutOfRangeException>()).WithParameterName("message").WithMessage("AgentMessage.TimeToLive is *");
        rig.Bus.PendingRequestCount.Should().Be(0);
    }

    [Fact]
    public async Task PublishAsync_AShortTimeToLive_IsDelivered()
    {
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync("c");

        await rig.Bus.PublishAsync("c", Living(seconds: 1));

        await Rig.UntilAsync(() => rig.Messages.Count == 1, "the message");
    }

    private static AgentMessage Living(int seconds) => new()
    {
        Type = MessageType.Control, Sender = "me", TimeToLive = TimeSpan.FromSeconds(seconds),
    };
}
