using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

public sealed class IsolationTests
{
    [Fact]
    public async Task EnterAsync_Alone_WaitsForAllAndHoldsBackTheNext()
    {
        var isolation = new Isolation();
        await isolation.EnterAsync(alone: false, CancellationToken.None);
        await isolation.EnterAsync(alone: false, CancellationToken.None);
        var alone = isolation.EnterAsync(alone: true, CancellationToken.None).AsTask();
        var next = isolation.EnterAsync(alone: false, CancellationToken.None).AsTask();
        isolation.Leave(alone: false);
        alone.IsCompleted.Should().BeFalse();
        isolation.Leave(alone: false);
        await alone;
        next.IsCompleted.Should().BeFalse("one is alone");
        isolation.Leave(alone: true);
        await next;
    }

    [Fact]
    public async Task EnterAsync_CancelledWhileWaiting_LetsTheNextIn()
    {
        var isolation = new Isolation();
        using var cancellation = new CancellationTokenSource();
        await isolation.EnterAsync(alone: false, CancellationToken.None);
        var alone = isolation.EnterAsync(alone: true, cancellation.Token).AsTask();
        var next = isolation.EnterAsync(alone: false, CancellationToken.None).AsTask();
        await cancellation.CancelAsync();
        await FluentActions.Awaiting(() => alone).Should().ThrowAsync<OperationCanceledException>();
        await next;
    }

    [Fact]
    public async Task EnterAsync_ManyInParallel_NeverRunBesideOneThatIsAlone()
    {
        var isolation = new Isolation();
        var (shared, alone, violations) = (0, 0, 0);
        await Parallel.ForEachAsync(Enumerable.Range(0, 2000), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (number, token) =>
        {
            var isAlone = number % 7 == 0;
            using var cancellation = new CancellationTokenSource();
            var turn = isolation.EnterAsync(isAlone, cancellation.Token);
            if (number % 5 == 0)
            {
                await cancellation.CancelAsync();
            }

            try
            {
                await turn;
            }
            catch (OperationCanceledException)
            {
                return;
            }

            var others = isAlone ? Interlocked.Increment(ref alone) - 1 + Volatile.Read(ref shared) : Interlocked.Increment(ref shared) * 0 + Volatile.Read(ref alone);
            Interlocked.Add(ref violations, others > 0 ? 1 : 0);
            await Task.Yield();
            _ = isAlone ? Interlocked.Decrement(ref alone) : Interlocked.Decrement(ref shared);
            isolation.Leave(isAlone);
        });
        violations.Should().Be(0);
        isolation.EnterAsync(alone: true, CancellationToken.None).AsTask().IsCompleted.Should().BeTrue("everybody has left");
    }
}
