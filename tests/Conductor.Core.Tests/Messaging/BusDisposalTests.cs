using Conductor.Diagnostics;
using Conductor.Tests.Support;

namespace Conductor.Tests.Messaging;

/// <summary>A bus is done with.</summary>
public sealed class BusDisposalTests
{
    [Fact]
    public async Task DisposeAsync_DisconnectingFails_FreesWhatItHoldsAllTheSame()
    {
        var bus = new TroubledBus(ConductorEnvironment.Default) { FailsToDisconnect = true };
        await bus.ConnectAsync();

        await FluentActions.Awaiting(() => bus.DisposeAsync().AsTask()).Should().ThrowAsync<IOException>();

        bus.IsFreed.Should().BeTrue();
    }
}
