using System.Globalization;
using Conductor.Workflows;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Workflows;

public sealed class TurnstileTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);
    private readonly FakeTimeProvider _time = new();
    private readonly Turnstile.Line _line = new(AgentType.Coding, static _ => 0);

    [Fact]
    public async Task EnterAsync_Alone_WaitsForAllAndHoldsBackTheNext()
    {
        var turnstile = New(100);
        await turnstile.EnterAsync(_line, CancellationToken.None);
        await turnstile.EnterAsync(_line, CancellationToken.None);
        var alone = turnstile.EnterAloneAsync(_line, _patience, CancellationToken.None).AsTask();
        var next = turnstile.EnterAsync(_line, CancellationToken.None).AsTask();
        turnstile.Leave(_line, solitude: null);
        alone.IsCompleted.Should().BeFalse();
        turnstile.Leave(_line, solitude: null);
        var solitude = await alone;
        next.IsCompleted.Should().BeFalse("one is alone");
        turnstile.Leave(_line, solitude);
        await next;
    }

    [Fact]
    public async Task EnterAsync_CancelledWhileWaiting_LetsTheNextIn()
    {
        var turnstile = New(100);
        using var cancellation = new CancellationTokenSource();
        await turnstile.EnterAsync(_line, CancellationToken.None);
        var alone = turnstile.EnterAloneAsync(_line, _patience, cancellation.Token).AsTask();
        var next = turnstile.EnterAsync(_line, CancellationToken.None).AsTask();
        await cancellation.CancelAsync();
        await FluentActions.Awaiting(() => alone).Should().ThrowAsync<OperationCanceledException>();
        await next;
    }

    [Fact]
    public async Task EnterAsync_MoreThanThereIsRoomFor_WaitInTheirOrder()
    {
        var turnstile = New(2);
        await turnstile.EnterAsync(_line, CancellationToken.None);
        await turnstile.EnterAsync(_line, CancellationToken.None);
        var third = turnstile.EnterAsync(_line, CancellationToken.None).AsTask();
        var fourth = turnstile.EnterAsync(_line, CancellationToken.None).AsTask();
        third.IsCompleted.Should().BeFalse("there is room for two");
        turnstile.Leave(_line, solitude: null);
        await third;
        fourth.IsCompleted.Should().BeFalse();
        turnstile.Leave(_line, solitude: null);
        await fourth;
    }

    [Fact]
    public async Task EnterAsync_AgentsBesideTheQueue_AsManyMoreAsThereAreNow()
    {
        var agents = 1;
        var turnstile = New(2, () => agents);
        for (var turn = 0; turn < 3; turn++)
        {
            turnstile.TryEnter(_line).Should().BeTrue();
        }

        turnstile.TryEnter(_line).Should().BeFalse("two may wait while one runs");
        var fourth = turnstile.EnterAsync(_line, CancellationToken.None).AsTask();
        fourth.IsCompleted.Should().BeFalse();
        agents = 2;
        turnstile.TryEnter(_line).Should().BeFalse("one waits already");
        turnstile.Leave(_line, solitude: null);
        await fourth;
        turnstile.TryEnter(_line).Should().BeTrue("there is another agent");
        turnstile.TryEnter(_line).Should().BeFalse();
    }

    /// <summary>Who waits may wait for what an agent of another type does.</summary>
    [Fact]
    public async Task EnterAsync_AgentsOfATypeAndNoRoom_AsManyOfItPass()
    {
        var turnstile = New(2);
        var other = new Turnstile.Line(AgentType.Review, static _ => 2);
        await turnstile.EnterAsync(_line, CancellationToken.None);
        await turnstile.EnterAsync(_line, CancellationToken.None);
        var third = turnstile.EnterAsync(_line, CancellationToken.None).AsTask();

        turnstile.TryEnter(other).Should().BeTrue("one of its agents is free");
        turnstile.TryEnter(other).Should().BeTrue("the other, too");
        var late = turnstile.EnterAsync(other, CancellationToken.None).AsTask();
        late.IsCompleted.Should().BeFalse("none is left");
        turnstile.Leave(_line, solitude: null);
        third.IsCompleted.Should().BeFalse("those of the other type take up its room");
        turnstile.Leave(other, solitude: null);
        await late;
        turnstile.Leave(other, solitude: null);
        turnstile.Leave(other, solitude: null);
        await third;
    }

    /// <summary>Whatever comes and goes, the same ones are under way and wait as where all are looked at in the order in which they came.</summary>
    [Fact]
    public async Task EnterAsync_WhateverComesAndGoes_LetsInTheFirstForWhomThereIsRoom() => await Gen.Select(
        Gen.Int[1, 4], Gen.Int[0, 2].Array[3], Gen.Int[0, 999].Array[1, 80]).SampleAsync(async (capacity, agents, steps) =>
    {
        var turnstile = Of(capacity, () => agents.Sum(), type => agents[int.Parse(type.Name, CultureInfo.InvariantCulture)]);
        var lines = Enumerable.Range(0, agents.Length).Select(type => turnstile.LineOf(new AgentType($"{type}"))).ToList();
        var waiting = new List<(int Type, bool IsAlone, Task<Turnstile.Solitude?> Turn)>();
        var running = new List<(int Type, bool IsAlone, Turnstile.Solitude? Solitude)>();
        foreach (var step in steps)
        {
            var type = step / 10 % agents.Length;
            if (step % 10 < 6)
            {
                waiting.Add((type, step % 10 == 0, EnterAsync(turnstile, lines[type], step % 10 == 0, CancellationToken.None)));
            }
            else if (step % 10 == 6)
            {
                agents[type] = step / 100;
                turnstile.LookAgain();
            }
            else if (running.Count > 0)
            {
                var gone = running[step / 10 % running.Count];
                running.Remove(gone);
                turnstile.Leave(lines[gone.Type], gone.Solitude);
            }

            for (var next = 0; next < waiting.Count && !running.Any(static one => one.IsAlone);)
            {
                var (of, isAlone, turn) = waiting[next];
                if (isAlone && running.Count > 0)
                {
                    break;
                }

                if (isAlone || running.Count < capacity + agents.Sum() || running.Count(one => one.Type == of) < agents[of])
                {
                    waiting.RemoveAt(next);
                    running.Add((of, isAlone, await turn.WaitAsync(TimeSpan.FromSeconds(30))));
                }
                else
                {
                    next++;
                }
            }

            lines.Select(static line => (line.Running, line.Waiting.Count)).Should().Equal(
                lines.Select((_, of) => (running.Count(one => one.Type == of), waiting.Count(one => one.Type == of && !one.IsAlone))));
        }
    });

    [Fact]
    public async Task EnterAsync_ManyInParallel_NeverRunBesideOneThatIsAlone()
    {
        var turnstile = New(100);
        var (shared, alone, violations) = (0, 0, 0);
        await Parallel.ForEachAsync(Enumerable.Range(0, 2000), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (number, token) =>
        {
            var isAlone = number % 7 == 0;
            using var cancellation = new CancellationTokenSource();
            var line = turnstile.LineOf(new AgentType($"type-{number % 3}"));
            var turn = EnterAsync(turnstile, line, isAlone, cancellation.Token);
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
            turnstile.Leave(line, solitude);
        });
        violations.Should().Be(0);
        turnstile.EnterAloneAsync(_line, _patience, CancellationToken.None).AsTask().IsCompleted.Should().BeTrue("everybody has left");
    }

    /// <summary>What runs may wait for it: a task whose agent waits for another run.</summary>
    [Fact]
    public async Task EnterAsync_AloneAndTheOthersDoNotEnd_IsLetInAllTheSame()
    {
        var turnstile = New(100);
        await turnstile.EnterAsync(_line, CancellationToken.None);
        var alone = turnstile.EnterAloneAsync(_line, _patience, CancellationToken.None).AsTask();
        var next = turnstile.EnterAsync(_line, CancellationToken.None).AsTask();

        _time.Advance(_patience);

        var solitude = await alone;
        next.IsCompleted.Should().BeFalse("what comes after it waits as long as it may be alone");
        _time.Advance(_patience);
        await next;
        turnstile.Leave(_line, solitude);
        turnstile.Leave(_line, solitude: null);
        turnstile.Leave(_line, solitude: null);
        turnstile.EnterAloneAsync(_line, _patience, CancellationToken.None).AsTask().IsCompleted.Should().BeTrue("everybody has left");
    }

    /// <summary>It may wait for what comes: its agent for another run.</summary>
    [Fact]
    public async Task EnterAsync_OneThatIsAloneDoesNotEnd_LetsTheNextInAfterAWhile()
    {
        var turnstile = New(100);
        await turnstile.EnterAloneAsync(_line, _patience, CancellationToken.None);
        var next = turnstile.EnterAsync(_line, CancellationToken.None).AsTask();

        _time.Advance(_patience - TimeSpan.FromSeconds(1));
        next.IsCompleted.Should().BeFalse("one is alone");
        _time.Advance(TimeSpan.FromSeconds(1));

        await next;
    }

    [Fact]
    public async Task Leave_WithinItsTime_LeavesTheTimeOfTheNextOneWhole()
    {
        var turnstile = New(100);
        var first = await turnstile.EnterAloneAsync(_line, _patience, CancellationToken.None);
        _time.Advance(_patience / 2);
        turnstile.Leave(_line, first);
        await turnstile.EnterAloneAsync(_line, _patience, CancellationToken.None);
        var next = turnstile.EnterAsync(_line, CancellationToken.None).AsTask();

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
        var first = await turnstile.EnterAloneAsync(_line, _patience, CancellationToken.None);
        _time.Advance(_patience);
        var second = turnstile.EnterAloneAsync(_line, _patience, CancellationToken.None).AsTask();
        _time.Advance(_patience);
        await second;
        var next = turnstile.EnterAsync(_line, CancellationToken.None).AsTask();

        turnstile.Leave(_line, first);

        next.IsCompleted.Should().BeFalse("the second is alone");
        turnstile.Leave(_line, await second);
        await next;
    }

    private static async Task<Turnstile.Solitude?> EnterAsync(
        Turnstile turnstile, Turnstile.Line line, bool isAlone, CancellationToken cancellationToken)
    {
        if (isAlone)
        {
            return await turnstile.EnterAloneAsync(line, _patience, cancellationToken);
        }

        await turnstile.EnterAsync(line, cancellationToken);
        return null;
    }

    private Turnstile New(int capacity, Func<int>? agents = null) => Of(capacity, agents, time: _time);

    internal static Turnstile Of(int capacity, Func<int>? agents = null, Func<AgentType, int>? agentsOf = null, TimeProvider? time = null) =>
        new(capacity, agents ?? (static () => 0), agentsOf ?? (static _ => 0), _patience, time ?? TimeProvider.System);
}
