using Conductor.Threading;

namespace Conductor.Tests.Threading;

/// <summary>A timer that outlives whoever needed it first.</summary>
public sealed class LastingTimerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Make_CallsBackWithoutTheContextOfWhoMadeIt(bool isSuppressed)
    {
        var tenant = new AsyncLocal<string?> { Value = "first" };
        var seen = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var timer = Make(() => seen.SetResult(tenant.Value), isSuppressed);

        timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);

        (await seen.Task.WaitAsync(TimeSpan.FromSeconds(20))).Should().BeNull();
        tenant.Value.Should().Be("first", "whoever makes it keeps it");
    }

    private static ITimer Make(Action callback, bool isSuppressed)
    {
        if (!isSuppressed)
        {
            return LastingTimer.Make(TimeProvider.System, static state => ((Action)state!)(), callback);
        }

        using (ExecutionContext.SuppressFlow())
        {
            return LastingTimer.Make(TimeProvider.System, static state => ((Action)state!)(), callback);
        }
    }
}
