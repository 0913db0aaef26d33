using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

public sealed class TurnstileTests
{
    [Fact]
    public async Task EnterAsync_Alone_WaitsForAllAndHoldsBackTheNext()
    {
        var turnstile = new Turnstile(capacity: 100);
        await turnstile.EnterAsync(alone: false, CancellationToken.None);
        await turnstile.EnterAsync(alone: false, CancellationToken.None);
        var alone = turnstile.EnterAsync(alone: true, CancellationToken.None).AsTask();
        var next = turnstile.EnterAsync(alone: false, CancellationToken.None).AsTask();
        turnstile.Leave(alone: false);
        alone.IsCompleted.Should().BeFalse();
        turnstile.Leave(alone: false);
        await alone;
        next.IsCompleted.Should().BeFalse("one is alone");
        turnstile.Leave(alone: true);
        await next;
    }

    [Fact]
    public async Task EnterAsync_CancelledWhileWaiting_LetsTheNextIn()
    {
        var turnstile = new Turnstile(capacity: 100);
        using var cancellation = new CancellationTokenSource();
        await turnstile.EnterAsync(alone: false, CancellationToken.None);
        var alone = turnstile.EnterAsync(alone: true, cancellation.Token).AsTask();
        var next = turnstile.EnterAsync(alone: false, CancellationToken.None).AsTask();
        await cancellation.CancelAsync();
        await FluentActions.Awaiting(() => alone).Should().ThrowAsync<OperationCanceledException>();
        await next;
    }

    [Fact]
    public async Task EnterAsync_MoreThanThereIsRoomFor_WaitInTheirOrder()
    {
        var turnstile = new Turnstile(capacity: 2);
        await turnstile.EnterAsync(alone: false, CancellationToken.None);
        await turnstile.EnterAsync(alone: false, CancellationToken.None);
        var third = turnstile.EnterAsync(alone: false, CancellationToken.None).AsTask();
        var fourth = turnstile.EnterAsync(alone: false, CancellationToken.None).AsTask();
        third.IsCompleted.Should().BeFalse("there is room for two");
        turnstile.Leave(alone: false);
        await third;
        fourth.IsCompleted.Should().BeFalse();
        turnstile.Leave(alone: false);
        await fourth;
    }

    [Fact]
    public async Task EnterAsync_ManyInParallel_NeverRunBesideOneThatIsAlone()
    {
        var turnstile = new Turnstile(capacity: 100);
        var (shared, alone, violations) = (0, 0, 0);
        await Parallel.ForEachAsync(Enumerable.Range(0, 2000), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (number, token) =>
        {
            var isAlone = number % 7 == 0;
            using var cancellation = new CancellationTokenSource();
            var turn = turnstile.EnterAsync(isAlone, cancellation.Token);
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
            turnstile.Leave(isAlone);
        });
        violations.Should().Be(0);
        turnstile.EnterAsync(alone: true, CancellationToken.None).AsTask().IsCompleted.Should().BeTrue("everybody has left");
    }
}
