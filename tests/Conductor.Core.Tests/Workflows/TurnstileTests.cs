using Conductor.Workflows;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Workflows;

public sealed class TurnstileTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task EnterAsync_Alone_WaitsForAllAndHoldsBackTheNext()
    {
        var turnstile = New(100);
        await turnstile.EnterAsync(CancellationToken.None);
        await turnstile.EnterAsync(CancellationToken.None);
        var alone = turnstile.EnterAloneAsync(_patience, CancellationToken.None).AsTask();
        var next = turnstile.EnterAsync(CancellationToken.None).AsTask();
        turnstile.Leave(solitude: null);
        alone.IsCompleted.Should().BeFalse();
        turnstile.Leave(solitude: null);
        var solitude = await alone;
        next.IsCompleted.Should().BeFalse("one is alone");
        turnstile.Leave(solitude);
        await next;
    }

    [Fact]
    public async Task EnterAsync_CancelledWhileWaiting_LetsTheNextIn()
    {
        var turnstile = New(100);
        using var cancellation = new CancellationTokenSource();
        await turnstile.EnterAsync(CancellationToken.None);
        var alone = turnstile.EnterAloneAsync(_patience, cancellation.Token).AsTask();
        var next = turnstile.EnterAsync(CancellationToken.None).AsTask();
        await cancellation.CancelAsync();
        await FluentActions.Awaiting(() => alone).Should().ThrowAsync<OperationCanceledException>();
        await next;
    }

    [Fact]
    public async Task EnterAsync_MoreThanThereIsRoomFor_WaitInTheirOrder()
    {
        var turnstile = New(2);
        await turnstile.EnterAsync(CancellationToken.None);
        await turnstile.EnterAsync(CancellationToken.None);
        var third = turnstile.EnterAsync(CancellationToken.None).AsTask();
        var fourth = turnstile.EnterAsync(CancellationToken.None).AsTask();
        third.IsCompleted.Should().BeFalse("there is room for two");
        turnstile.Leave(solitude: null);
        await third;
        fourth.IsCompleted.Should().BeFalse();
        turnstile.Leave(solitude: null);
        await fourth;
    }

    [Fact]
    public async Task EnterAsync_AgentsBesideTheQueue_AsManyMoreAsThereAreNow()
    {
        var agents = 1;
        var turnstile = New(2, () => agents);
        for (var turn = 0; turn < 3; turn++)
        {
            turnstile.TryEnter().Should().BeTrue();
        }

        turnstile.TryEnter().Should().BeFalse("two may wait while one runs");
        var fourth = turnstile.EnterAsync(CancellationToken.None).AsTask();
        fourth.IsCompleted.Should().BeFalse();
        agents = 2;
        turnstile.TryEnter().Should().BeFalse("one waits already");
        turnstile.Leave(solitude: null);
        await fourth;
        turnstile.TryEnter().Should().BeTrue("there is another agent");
        turnstile.TryEnter().Should().BeFalse();
    }

    [Fact]
    public async Task EnterAsync_ManyInParallel_NeverRunBesideOneThatIsAlone()
    {
        var turnstile = New(100);
        var (shared, alone, violations) = (0, 0, 0);
        await Parallel.ForEachAsync(Enumerable.Range(0, 2000), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (number, token) =>
        {
            var isAlone = number % 7 == 0;
            using var cancellation = new CancellationTokenSource();
            var turn = EnterAsync(turnstile, isAlone, cancellation.Token);
            if (number % 5 == 0)
            {
                await cancellation.CancelAsync();
            }

            Turnstile.Solitude? solitude;
            try
            {
                solitude = await turn;
            }
            catch (OperationCanceledException)
            {
                return;
            }

            var others = isAlone ? Interlocked.Increment(ref alone) - 1 + Volatile.Read(ref shared) : Interlocked.Increment(ref shared) * 0 +
                Volatile.Read(ref alone);
            Interlocked.Add(ref violations, others > 0 ? 1 : 0);
            await Task.Yield();
            _ = isAlone ? Interlocked.Decrement(ref alone) : Interlocked.Decrement(ref shared);
            turnstile.Leave(solitude);
        });
        violations.Should().Be(0);
        turnstile.EnterAloneAsync(_patience, CancellationToken.None).AsTask().IsCompleted.Should().BeTrue("everybody has left");
    }

    /// <summary>What runs may wait for it: a task whose agent waits for another run.</summary>
    [Fact]
    public async Task EnterAsync_AloneAndTheOthersDoNotEnd_IsLetInAllTheSame()
    {
        var turnstile = New(100);
        await turnstile.EnterAsync(CancellationToken.None);
        var alone = turnstile.EnterAloneAsync(_patience, CancellationToken.None).AsTask();
        var next = turnstile.EnterAsync(CancellationToken.None).AsTask();

        _time.Advance(_patience);

        var solitude = await alone;
        next.IsCompleted.Should().BeFalse("what comes after it waits as long as it may be alone");
        _time.Advance(_patience);
        await next;
        turnstile.Leave(solitude);
        turnstile.Leave(solitude: null);
        turnstile.Leave(solitude: null);
        turnstile.EnterAloneAsync(_patience, CancellationToken.None).AsTask().IsCompleted.Should().BeTrue("everybody has left");
    }

    /// <summary>It may wait for what comes: its agent for another run.</summary>
    [Fact]
    public async Task EnterAsync_OneThatIsAloneDoesNotEnd_LetsTheNextInAfterAWhile()
    {
        var turnstile = New(100);
        await turnstile.EnterAloneAsync(_patience, CancellationToken.None);
        var next = turnstile.EnterAsync(CancellationToken.None).AsTask();

        _time.Advance(_patience - TimeSpan.FromSeconds(1));
        next.IsCompleted.Should().BeFalse("one is alone");
        _time.Advance(TimeSpan.FromSeconds(1));

        await next;
    }

    [Fact]
    public async Task Leave_WithinItsTime_LeavesTheTimeOfTheNextOneWhole()
    {
        var turnstile = New(100);
        var first = await turnstile.EnterAloneAsync(_patience, CancellationToken.None);
        _time.Advance(_patience / 2);
        turnstile.Leave(first);
        await turnstile.EnterAloneAsync(_patience, CancellationToken.None);
        var next = turnstile.EnterAsync(CancellationToken.None).AsTask();

        _time.Advance(_patience / 2);

        next.IsCompleted.Should().BeFalse("the first one's time is over, not the second one's");
        _time.Advance(_patience / 2);
        await next;
    }

    /// <summary>One whose time alone was over long before it left.</summary>
    [Fact]
    public async Task Leave_AnotherIsAloneByNow_ThatOneStays()
    {
        var turnstile = New(100);
        var first = await turnstile.EnterAloneAsync(_patience, CancellationToken.None);
        _time.Advance(_patience);
        var second = turnstile.EnterAloneAsync(_patience, CancellationToken.None).AsTask();
        _time.Advance(_patience);
        await second;
        var next = turnstile.EnterAsync(CancellationToken.None).AsTask();

        turnstile.Leave(first);

        next.IsCompleted.Should().BeFalse("the second is alone");
        turnstile.Leave(await second);
        await next;
    }

    private static async Task<Turnstile.Solitude?> EnterAsync(Turnstile turnstile, bool isAlone, CancellationToken cancellationToken)
    {
        if (isAlone)
        {
            return await turnstile.EnterAloneAsync(_patience, cancellationToken);
        }

        await turnstile.EnterAsync(cancellationToken);
        return null;
    }

    private Turnstile New(int capacity, Func<int>? agents = null) => new(capacity, agents ?? (static () => 0), _patience, _time);
}
