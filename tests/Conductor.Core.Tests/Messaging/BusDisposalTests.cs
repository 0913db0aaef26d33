using Conductor.Diagnostics;
using Conductor.Testing;
using Conductor.Tests.Support;
using Microsoft.Extensions.Logging.Testing;

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

        bus.Freed.Should().Be(1);
    }

    [Fact]
    public async Task DisposeAsync_Twice_FreesWhatItHoldsOnce()
    {
        var bus = new TroubledBus(ConductorEnvironment.Default);

        await bus.DisposeAsync();
        await bus.DisposeAsync();

        bus.Freed.Should().Be(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DisposeAsync_ConnectOrDisconnectHangs_IsLeftToItselfAfterAWhile(bool isConnected)
    {
        var (time, logs, hangs) = (new VirtualTimeProvider(), new FakeLogCollector(), new TaskCompletionSource());
        var bus = new TroubledBus(new ConductorEnvironment(time, new FakeLoggerFactory(logs)));
        if (isConnected)
        {
            await bus.ConnectAsync();
        }

        bus.Hangs = hangs.Task;
        var left = isConnected ? bus.DisconnectAsync().AsTask() : bus.ConnectAsync().AsTask();

        var disposal = bus.DisposeAsync().AsTask();
        disposal.IsCompleted.Should().BeFalse("it may come to its end soon");
        time.Advance(TimeSpan.FromSeconds(5));

        await disposal.WaitAsync(TimeSpan.FromSeconds(30));
        logs.GetSnapshot().Should().ContainSingle(record => record.Id.Id == 1107);
        bus.Freed.Should().Be(1);
        hangs.SetResult();
        await Task.WhenAny(left);
        (bus.IsConnected, left.Status).Should().Be((false, isConnected ? TaskStatus.RanToCompletion : TaskStatus.Faulted));
    }
}
