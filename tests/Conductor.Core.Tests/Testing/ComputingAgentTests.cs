using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Conductor.Agents;
using Conductor.Testing;
using Conductor.Tests.Budgets;

namespace Conductor.Tests.Testing;

/// <summary>
/// Time stands still as long as an agent computes, whatever holds threads of the pool beside it. Alone, since other tests' work cannot be told from
/// it.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed class ComputingAgentTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task WaitAsync_AgentThatComputes_GetsTheTimeItNeeds()
    {
        await using var host = await StartAsync(static () => Compute(TimeSpan.FromMilliseconds(150)));

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(Once()));

        result.Status.Should().Be(AgentTaskStatus.Completed);
    }

    /// <summary>As many threads of the pool are busy as before, but it is others that are.</summary>
    [Fact]
    public async Task WaitAsync_ThreadsThatWaitEndAsTheAgentBegins_AreNotTakenForIt()
    {
        using var release = new ManualResetEventSlim();
        using var waiting = new CountdownEvent(3);
        var others = Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            waiting.Signal();
            release.Wait();
        })).ToList();
        waiting.Wait();
        await using var host = await StartAsync(() =>
        {
            release.Set();
            Task.WhenAll(others).Wait();
            Compute(TimeSpan.FromMilliseconds(30));
        });
        await host.AdvanceAsync(TimeSpan.FromMinutes(10));

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(Once()));

        result.Status.Should().Be(AgentTaskStatus.Completed);
    }

    /// <summary>Longer than anybody is taken for another test's work, and where the code goes on after a wait, too.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WaitAsync_AgentThatComputesForLong_GetsTheTimeItNeeds(bool waitsFirst)
    {
        await using var host = await StartAsync(static () => Compute(TimeSpan.FromMilliseconds(1200)), waitsFirst);

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(Once()));

        result.Status.Should().Be(AgentTaskStatus.Completed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WaitAsync_AgentsOfSeveralHostsThatCompute_GetTheTimeTheyNeed(bool waitFirst)
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            await using var host = await StartAsync(static () => Compute(TimeSpan.FromMilliseconds(250)), waitFirst);
            return await host.WaitAsync(host.Coordinator.DispatchTaskAsync(Once()));
        })));

        results.Should().OnlyContain(static result => result.Status == AgentTaskStatus.Completed);
    }

    [Fact]
    public async Task RunAsync_BodyThatComputes_LetsNoTimePass()
    {
        await using var host = await StartAsync(static () => { });

        var passed = await host.RunAsync(static running =>
        {
            var before = running.Time.Elapsed;
            Compute(TimeSpan.FromMilliseconds(1200));
            return Task.FromResult(running.Time.Elapsed - before);
        });

        passed.Should().Be(TimeSpan.Zero);
    }

    /// <summary>As a thread does that reads a page of a file for the first time, or waits for the compiler: no wait of .NET's, and no work either.</summary>
    [Fact]
    public async Task RunAsync_BodyThatWaitsForTheMachine_LetsNoTimePass()
    {
        await using var host = await StartAsync(static () => { });
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        var passed = await host.RunAsync(async running =>
        {
            var before = running.Time.Elapsed;
            var advance = running.AdvanceAsync(TimeSpan.FromSeconds(2));
            socket.Poll(TimeSpan.FromMilliseconds(200), SelectMode.SelectRead).Should().BeFalse();
            var meanwhile = running.Time.Elapsed - before;
            await advance;
            return meanwhile;
        });

        passed.Should().Be(TimeSpan.Zero);
    }

    /// <summary>What the machine may never end has its time limit all the same.</summary>
    [Fact]
    public async Task WaitAsync_AgentThatWaitsForTheMachineForEver_MeetsItsTimeLimit()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var host = await StartAsync(() => socket.Poll(_patience, SelectMode.SelectRead));

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(Once()));

        result.Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        socket.SendTo([1], socket.LocalEndPoint!);
    }

    [Fact]
    public async Task WaitAsync_AgentThatComputesOverTheRealTimeLimit_SaysWhatHoldsTime()
    {
        var mayEnd = false;
        await using var host = await StartAsync(
            () =>
            {
                while (!Volatile.Read(ref mayEnd))
                {
                }
            },
            options: new ConductorTestHostOptions { RealTimeLimit = TimeSpan.FromSeconds(1.5) });
        var dispatch = host.Coordinator.DispatchTaskAsync(Once()).AsTask();

        var act = () => host.WaitAsync(dispatch);

        (await act.Should().ThrowAsync<StuckException>()).WithMessage("*holds a thread without waiting*RealTimeLimit*");
        Volatile.Write(ref mayEnd, true);
        (await dispatch).Status.Should().Be(AgentTaskStatus.Completed);
    }

    /// <summary>What is left of an attempt whose time is over holds up nobody.</summary>
    [Fact]
    public async Task AdvanceAsync_CodeThatGoesOnAfterItsTimeLimit_DoesNotHoldTime()
    {
        var mayEnd = false;
        using var begun = new ManualResetEventSlim();
        await using var host = await StartAsync(() =>
        {
            begun.Set();
            while (!Volatile.Read(ref mayEnd))
            {
            }
        });
        var dispatch = host.Coordinator.DispatchTaskAsync(Once()).AsTask();
        begun.Wait();
        host.Time.Advance(TimeSpan.FromSeconds(1));
        (await dispatch).Error!.Code.Should().Be(ErrorCodes.AgentTimeout);

        await host.AdvanceAsync(TimeSpan.FromSeconds(1));

        Volatile.Write(ref mayEnd, true);
    }

    private static TaskDefinition Once() => new() { AgentType = AgentType.Coding, Timeout = _limit, Retry = new() { MaxRetries = 0 } };

    private static void Compute(TimeSpan time)
    {
        var startedAt = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(startedAt) < time)
        {
        }
    }

    private static Task<ConductorTestHost> StartAsync(Action work, bool waitsFirst = false, ConductorTestHostOptions? options = null) =>
        ConductorTestHost.StartAsync(
            builder => builder.AddAgent(AgentType.Coding, async (TaskContext _, CancellationToken _) =>
            {
                if (waitsFirst)
                {
                    await Task.Yield();
                }

                work();
                return 1;
            }),
            options);
}
