using Conductor.Testing;

namespace Conductor.Tests.Testing;

public sealed class VirtualTimeProviderTests
{
    private readonly VirtualTimeProvider _time = new();

    [Fact]
    public void Advance_MovesClockAndTimestampTogether()
    {
        var now = _time.GetUtcNow();
        var timestamp = _time.GetTimestamp();

        _time.Advance(TimeSpan.FromMinutes(5));

        (_time.GetUtcNow() - now).Should().Be(TimeSpan.FromMinutes(5));
        _time.GetElapsedTime(timestamp).Should().Be(TimeSpan.FromMinutes(5));
    }

    [Fact]
    public void GetUtcNow_StartAtATimeOfAnotherOffset_IsUtc()
    {
        var startAt = new DateTimeOffset(2030, 1, 1, 12, 0, 0, TimeSpan.FromHours(5));

        var now = new VirtualTimeProvider(startAt).GetUtcNow();

        now.Should().Be(startAt);
        now.Offset.Should().Be(TimeSpan.Zero);
    }

    [Fact]
    public void Advance_SeveralTimers_FireInOrderAtTheirOwnTimes()
    {
        var fired = new List<(string Name, TimeSpan At)>();
        foreach (var (name, seconds) in new[] { ("c", 3), ("a", 1), ("b1", 2), ("b2", 2) })
        {
            _time.CreateTimer(_ => fired.Add((name, _time.Elapsed)), null, TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
        }

        _time.Advance(TimeSpan.FromSeconds(2.5));

        fired.Should().Equal(("a", TimeSpan.FromSeconds(1)), ("b1", TimeSpan.FromSeconds(2)), ("b2", TimeSpan.FromSeconds(2)));
        _time.TimeToNextTimer.Should().Be(TimeSpan.FromSeconds(0.5));
        _time.TimerCount.Should().Be(1);
    }

    [Fact]
    public void Advance_PeriodicTimer_FiresEachTimeAndIsNotLost()
    {
        var fired = 0;
        using var timer = _time.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));

        _time.Advance(TimeSpan.FromSeconds(7));

        fired.Should().Be(4);
    }

    [Fact]
    public void Change_ToInfinite_StopsTheTimer()
    {
        var fired = 0;
        using var timer = _time.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));

        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan).Should().BeTrue();
        _time.Advance(TimeSpan.FromSeconds(7));

        fired.Should().Be(0);
        _time.TimeToNextTimer.Should().BeNull();
    }

    [Fact]
    public void Dispose_ByItsOwnCallback_EndsAPeriodicTimer()
    {
        var fired = 0;
        ITimer? timer = null;
        timer = _time.CreateTimer(
            _ =>
            {
                fired++;
                timer!.Dispose();
            },
            null,
            TimeSpan.FromSeconds(1),
            TimeSpan.FromSeconds(1));

        _time.Advance(TimeSpan.FromSeconds(7));

        fired.Should().Be(1);
        timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan).Should().BeFalse();
    }

    [Fact]
    public void Change_WhileItIsDisposedOf_LeavesNothingSet()
    {
        using var together = new Barrier(2);
        ITimer timer = null!;
        var changes = 0;
        const int Rounds = 1_000;
        var changing = new Thread(() =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                together.SignalAndWait();
                while (timer.Change(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)))
                {
                    Volatile.Write(ref changes, changes + 1);
                }

                together.SignalAndWait();
            }
        });
        changing.Start();

        for (var i = 0; i < Rounds; i++)
        {
            timer = _time.CreateTimer(static _ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            var seen = changes;
            together.SignalAndWait();
            SpinWait.SpinUntil(() => Volatile.Read(ref changes) > seen + 3);
            Thread.SpinWait(i % 100);
            timer.Dispose();
            together.SignalAndWait();
        }

        changing.Join();
        _time.TimerCount.Should().Be(0);
    }

    [Fact]
    public async Task Advance_PastTheLastTimeThatAClockShows_IsRefusedAndMovesNothing()
    {
        using var timer = _time.CreateTimer(static _ => { }, null, TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
        _time.Advance(TimeSpan.FromSeconds(1));
        var longest = DateTimeOffset.MaxValue - _time.GetUtcNow();

        var tooLong = () => _time.Advance(TimeSpan.MaxValue);
        var slightlyTooLong = () => _time.Advance(longest + TimeSpan.FromTicks(1));

        tooLong.Should().Throw<ArgumentOutOfRangeException>().WithMessage($"*9999*{longest} at most*").And.ParamName.Should().Be("duration");
        slightlyTooLong.Should().Throw<ArgumentOutOfRangeException>();
        (_time.Elapsed, _time.TimerCount).Should().Be((TimeSpan.FromSeconds(1), 1));
        await using var host = await ConductorTestHost.StartAsync();
        await FluentActions.Awaiting(() => host.AdvanceAsync(TimeSpan.MaxValue)).Should().ThrowAsync<ArgumentOutOfRangeException>();
        _time.Advance(longest);
        _time.GetUtcNow().Should().Be(DateTimeOffset.MaxValue);
    }

    [Fact]
    public void AdvanceToNextTimer_WithoutTimers_MovesNothing()
    {
        _time.AdvanceToNextTimer().Should().BeFalse();

        _time.Elapsed.Should().Be(TimeSpan.Zero);
    }

    [Fact]
    public void AdvanceToNextTimer_CallbackThatSetsATimerForNow_LeavesItForTheNextCall()
    {
        var fired = 0;
        ITimer? first = null;
        first = _time.CreateTimer(_ => Again(), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        using var other = _time.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);

        _time.AdvanceToNextTimer().Should().BeTrue();

        fired.Should().Be(2);
        _time.TimeToNextTimer.Should().Be(TimeSpan.Zero);
        _time.AdvanceToNextTimer().Should().BeTrue();
        fired.Should().Be(3);

        void Again()
        {
            fired++;
            if (fired < 10)
            {
                first!.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            }
        }
    }

    [Fact]
    public async Task CreateTimer_Delay_CompletesWhenItIsDue()
    {
        var delay = Task.Delay(TimeSpan.FromSeconds(10), _time);

        _time.Advance(TimeSpan.FromSeconds(9));
        delay.IsCompleted.Should().BeFalse();
        _time.Advance(TimeSpan.FromSeconds(1));

        await delay;
    }

    /// <summary>What the system's clock refuses would otherwise first be found in production.</summary>
    [Theory]
    [InlineData(double.MaxValue, -1, "dueTime")]
    [InlineData(4294967295, -1, "dueTime")]
    [InlineData(-2, -1, "dueTime")]
    [InlineData(1000, double.MaxValue, "period")]
    [InlineData(1000, 4294967295, "period")]
    [InlineData(1000, -2, "period")]
    public void CreateTimer_TimeThatNoTimerTakes_IsRefusedAsByTheSystemsClock(double dueMilliseconds, double periodMilliseconds, string named)
    {
        var (dueTime, period) = (Span(dueMilliseconds), Span(periodMilliseconds));

        foreach (var time in new[] { TimeProvider.System, _time })
        {
            FluentActions.Invoking(() => time.CreateTimer(static _ => { }, null, dueTime, period))
                .Should().Throw<ArgumentOutOfRangeException>().WithParameterName(named);
            using var timer = time.CreateTimer(static _ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            FluentActions.Invoking(() => timer.Change(dueTime, period)).Should().Throw<ArgumentOutOfRangeException>().WithParameterName(named);
        }

        _time.TimerCount.Should().Be(0);

        static TimeSpan Span(double milliseconds) => milliseconds == double.MaxValue ? TimeSpan.MaxValue : TimeSpan.FromMilliseconds(milliseconds);
    }

    [Fact]
    public void CreateTimer_LongestTimeThatTimersTake_FiresThen()
    {
        var fired = 0;
        var longest = TimeSpan.FromMilliseconds(4294967294);
        using var timer = _time.CreateTimer(_ => fired++, null, longest, longest);

        _time.Advance(2 * longest);

        fired.Should().Be(2);
    }

    [Fact]
    public void ShiftWallClock_MovesTheTimeOfDayOnly()
    {
        var fired = 0;
        using var timer = _time.CreateTimer(_ => fired++, null, TimeSpan.FromMinutes(30), Timeout.InfiniteTimeSpan);
        var now = _time.GetUtcNow();
        var timestamp = _time.GetTimestamp();

        _time.ShiftWallClock(TimeSpan.FromHours(-1));

        (_time.GetUtcNow() - now).Should().Be(TimeSpan.FromHours(-1));
        _time.GetElapsedTime(timestamp).Should().Be(TimeSpan.Zero);
        fired.Should().Be(0);
    }

    [Fact]
    public async Task CreateTimer_Callback_RunsInTheContextItWasMadeIn()
    {
        var local = new AsyncLocal<string?> { Value = "maker" };
        string? seen = null;
        using var timer = _time.CreateTimer(_ => seen = local.Value, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        local.Value = "advancer";

        await Task.Run(() => _time.Advance(TimeSpan.FromSeconds(1)));

        seen.Should().Be("maker");
    }
}
