using System.Diagnostics;
using Conductor.Agents;
using Conductor.Testing;
using Conductor.Tests.Support;

namespace Conductor.Tests.Testing;

/// <summary>Several wait on one host at once, side by side or one within the other: time passes for all of them together.</summary>
public sealed class HostWaitsTests
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task WaitAsync_TwoAtOnce_LetNoTimePassOverWorkUnderWay()
    {
        await using var host = await StartAsync();
        var (before, after) = (TimeSpan.Zero, TimeSpan.Zero);
        using var timer = host.Time.CreateTimer(Work, null, _second, Timeout.InfiniteTimeSpan);
        var end = Task.Delay(TimeSpan.FromSeconds(3), host.Time);

        await Task.WhenAll(host.WaitAsync(end), host.WaitAsync(end), host.WaitAsync(end)).WaitAsync(_patience);

        after.Should().Be(before);

        void Work(object? state)
        {
            before = host.Time.Elapsed;
            Compute(TimeSpan.FromMilliseconds(200), () => host.Time.Elapsed == before);
            after = host.Time.Elapsed;
        }
    }

    [Fact]
    public async Task WaitAsync_WithinABody_MeetsNoTimeLimit()
    {
        await using var host = await StartAsync(count: 4, work: async (task, token) =>
        {
            for (var i = 0; i < 15; i++)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), task.TimeProvider, token);
            }
        });

        var results = await host.RunAsync(async running =>
        {
            var all = new List<TaskResult>();
            for (var i = 0; i < 8; i++)
            {
                all.Add(await running.WaitAsync(running.Coordinator.DispatchTaskAsync(Once(TimeSpan.FromSeconds(10)))));
            }

            return all;
        });

        results.Should().OnlyContain(static result => result.Status == AgentTaskStatus.Completed);
    }

    [Fact]
    public async Task AdvanceAsync_WithinABody_PassesThatTimeAndNoMore()
    {
        await using var host = await StartAsync();

        var passed = await host.RunAsync(async running =>
        {
            var all = new List<TimeSpan>();
            for (var i = 0; i < 12; i++)
            {
                var before = running.Time.Elapsed;
                await running.AdvanceAsync(_second);
                all.Add(running.Time.Elapsed - before);
            }

            return all;
        });

        passed.Should().OnlyContain(static time => time == _second);
    }

    [Fact]
    public async Task AdvanceAsync_TwoAtOnce_EachEndsAtItsOwnTime()
    {
        await using var host = await StartAsync();
        var before = host.Time.Elapsed;

        // (Within a body, whose every step is known: others may wait for a thread of the test runner.)
        var passed = await host.RunAsync(_ => Task.WhenAll(PassAsync(2), PassAsync(1), PassAsync(3))).WaitAsync(_patience);

        passed.Should().Equal(2 * _second, _second, 3 * _second);

        async Task<TimeSpan> PassAsync(int seconds)
        {
            await host.AdvanceAsync(seconds * _second);
            return host.Time.Elapsed - before;
        }
    }

    [Fact]
    public async Task AdvanceAsync_BesideAWaitForMore_EndsAtItsOwnTime()
    {
        await using var host = await StartAsync();
        var before = host.Time.Elapsed;
        var later = Task.Delay(TimeSpan.FromHours(5), host.Time);

        var wait = host.WaitAsync(later);
        await host.AdvanceAsync(_second).WaitAsync(_patience);
        var passed = host.Time.Elapsed - before;
        await wait.WaitAsync(_patience);

        passed.Should().BeGreaterThanOrEqualTo(_second);
        (host.Time.Elapsed - before).Should().BeGreaterThanOrEqualTo(TimeSpan.FromHours(5));
    }

    /// <summary>What goes on after a delay does so on the thread that lets time pass: whoever blocks it there must not wait for itself.</summary>
    [Fact]
    public async Task WaitAsync_BlockingOnTheThreadThatLetsTimePass_GetsItsTime()
    {
        await using var host = await StartAsync();

        var passed = await host.RunAsync(static async running =>
        {
            await Task.Delay(_second, running.Time).ConfigureAwait(false);
            running.WaitAsync(Task.Delay(_second, running.Time)).Wait();
            running.AdvanceAsync(_second).Wait();
            return running.Time.Elapsed;
        }).WaitAsync(_patience);

        passed.Should().BeGreaterThanOrEqualTo(3 * _second);
    }

    [Fact]
    public async Task WaitAsync_StuckWithinAnother_NamesBoth()
    {
        await using var host = await StartAsync(options: new ConductorTestHostOptions { RealTimeLimit = TimeSpan.FromSeconds(1.5) });
        var never = new TaskCompletionSource();

        var act = () => host.RunAsync(running => running.WaitAsync(never.Task)).WaitAsync(_patience);

        (await act.Should().ThrowAsync<StuckException>()).Which.Message.Should().Contain("the body of the test").And.Contain("never.Task");
    }

    /// <summary>One that is stuck, or whose timer fails, takes nothing from the others.</summary>
    [Fact]
    public async Task WaitAsync_TimerThatThrows_FailsTheLastWaitAndTheOthersGoOn()
    {
        await using var host = await StartAsync();
        using var timer = host.Time.CreateTimer(static _ => throw new InvalidTimeZoneException("mine"), null, _second, Timeout.InfiniteTimeSpan);
        var end = Task.Delay(TimeSpan.FromSeconds(3), host.Time);

        var body = host.RunAsync(async running =>
        {
            await FluentActions.Awaiting(() => running.WaitAsync(end)).Should().ThrowAsync<InvalidTimeZoneException>();
            await end;
            return running.Time.Elapsed;
        });

        (await body.WaitAsync(_patience)).Should().BeGreaterThanOrEqualTo(3 * _second);
    }

    [Fact]
    public async Task DisposeAsync_BesideAWait_EndsBoth()
    {
        var host = await StartAsync(options: new ConductorTestHostOptions { RealTimeLimit = TimeSpan.FromSeconds(2) });
        var wait = host.WaitAsync(new TaskCompletionSource().Task, "the impossible");

        await host.DisposeAsync().AsTask().WaitAsync(_patience);

        await FluentActions.Awaiting(() => wait.WaitAsync(_patience)).Should().ThrowAsync<StuckException>();
    }

    private static TaskDefinition Once(TimeSpan limit) => new() { AgentType = AgentType.Coding, Timeout = limit, Retry = new() { MaxRetries = 0 } };

    private static void Compute(TimeSpan time, Func<bool> goesOn)
    {
        var startedAt = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(startedAt) < time && goesOn())
        {
        }
    }

    private static Task<ConductorTestHost> StartAsync(
        ConductorTestHostOptions? options = null, int count = 1, Func<TaskContext, CancellationToken, Task>? work = null) =>
        ConductorTestHost.StartAsync(
            builder => builder.AddAgent(
                AgentType.Coding,
                _ => new LambdaAgent(async (task, token) =>
                {
                    await (work?.Invoke(task, token) ?? Task.CompletedTask);
                    return TaskData.Empty;
                }),
                count),
            // (On a machine that does much else.)
            options ?? new ConductorTestHostOptions { RealTimeLimit = _patience });
}
