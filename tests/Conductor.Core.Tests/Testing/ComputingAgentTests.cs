using System.Diagnostics;
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

    [Fact]
    public async Task WaitAsync_AgentThatComputes_GetsTheTimeItNeeds()
    {
        await using var host = await StartAsync(static () => Compute(TimeSpan.FromMilliseconds(150)));

        var result = await host.WaitAsync(
            host.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = AgentType.Coding, Timeout = _limit, Retry = new() { MaxRetries = 0 } }));

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

        var result = await host.WaitAsync(
            host.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = AgentType.Coding, Timeout = _limit, Retry = new() { MaxRetries = 0 } }));

        result.Status.Should().Be(AgentTaskStatus.Completed);
    }

    private static void Compute(TimeSpan time)
    {
        var startedAt = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(startedAt) < time)
        {
        }
    }

    private static Task<ConductorTestHost> StartAsync(Action work) =>
        ConductorTestHost.StartAsync(builder => builder.AddAgent(AgentType.Coding, (TaskContext _, CancellationToken _) =>
    {
        work();
        return ValueTask.FromResult(1);
    }));
}
