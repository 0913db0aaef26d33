using System.Globalization;
using System.Text.Json;
using Conductor.Messaging;
using Conductor.Serialization;

namespace Conductor.Tests.Hall;

public sealed class StatusUpdateTests
{
    [Theory]
    [InlineData(-0.001)]
    [InlineData(100.001)]
    [InlineData(150)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void Progress_OutOfRange_IsRefusedWithValueAndRange(double progress)
    {
        var act = () => new StatusUpdate { AgentId = "a", Progress = progress };

        act.Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage($"*Progress*0 to 100*{progress.ToString(CultureInfo.InvariantCulture)}*");
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0d)]
    [InlineData(100d)]
    public void Progress_InRange_IsKept(double? progress) =>
        new StatusUpdate { AgentId = "a", Progress = progress }.Progress.Should().Be(progress);

    [Fact]
    public void Json_ProgressOutOfRange_IsAJsonErrorThatSaysWhere()
    {
        var act = () => JsonSerializer.Deserialize<AgentMessage>(
            """{"type":"status_update","sender":"a","payload":{"kind":"status_update","agent_id":"a","progress":150}}""", ConductorJson.Options);

        var thrown = act.Should().Throw<JsonException>().WithMessage("*0 to 100*150*").Which;
        thrown.Path.Should().Be("$.payload.progress");
        thrown.InnerException.Should().BeOfType<ArgumentOutOfRangeException>();
    }
}
