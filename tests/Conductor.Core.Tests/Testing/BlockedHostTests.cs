using Conductor.Agents;
using Conductor.Testing;
using Conductor.Tests.Support;

namespace Conductor.Tests.Testing;

/// <summary>What a timer sets off blocks the thread that lets time pass, and nobody else asks for time: it goes on passing, or whoever waits is told.</summary>
public sealed class BlockedHostTests
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task WaitAsync_AgentThatBlocksUntilALaterTime_GetsItsTime()
    {
        await using var host = await StartAsync(static task => Task.Delay(_second, task.TimeProvider).Wait());

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(Once())).WaitAsync(_patience);

        result.Status.Should().Be(AgentTaskStatus.Completed);
    }

    [Fact]
    public async Task WaitAsync_AgentThatBlocksForEverAfterADelay_MeetsItsTimeLimit()
    {
        Block? block = null;
        await using var host = await StartAsync(_ => block!.Wait());
        using var never = block = new Block();

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(Once())).WaitAsync(_patience);

        result.Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        result.Duration.Should().Be(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task RunAsync_BodyThatDispatchesBlockingAfterADelay_Ends()
    {
        await using var host = await StartAsync(static _ => { });

        var result = await host.RunAsync(static async running =>
        {
            await Task.Delay(_second, running.Time).ConfigureAwait(false);
            return running.Coordinator.DispatchTaskAsync(Once()).AsTask().Result;
        }).WaitAsync(_patience);

        result.Status.Should().Be(AgentTaskStatus.Completed);
    }

    [Fact]
    public async Task WaitAsync_TimerThatBlocksForEver_IsStuck()
    {
        await using var host = await StartAsync(static _ => { });
        using var never = new Block();
        using var timer = host.Time.CreateTimer(_ => never.Wait(), null, _second, Timeout.InfiniteTimeSpan);

        var act = () => host.WaitAsync(new TaskCompletionSource().Task, "the impossible").WaitAsync(_patience);

        (await act.Should().ThrowAsync<StuckException>()).Which.Awaited.Should().Be("the impossible");
    }

    [Fact]
    public async Task AdvanceAsync_TimerThatBlocksForEver_PassesThatTime()
    {
        await using var host = await StartAsync(static _ => { });
        using var never = new Block();
        using var timer = host.Time.CreateTimer(_ => never.Wait(), null, _second, Timeout.InfiniteTimeSpan);
        var before = host.Time.Elapsed;

        await host.AdvanceAsync(5 * _second).WaitAsync(_patience);

        (host.Time.Elapsed - before).Should().Be(5 * _second);
    }

    /// <summary>It does not block: no time passes, and the real one has its limit.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TimerThatWorksWithoutEnd_IsStuck(bool advances)
    {
        await using var host = await StartAsync(static _ => { });
        using var never = new Block();
        using var timer = host.Time.CreateTimer(_ => never.Work(), null, _second, Timeout.InfiniteTimeSpan);

        var act = () => (advances ? host.AdvanceAsync(5 * _second) : host.WaitAsync(new TaskCompletionSource().Task)).WaitAsync(_patience);

        (await act.Should().ThrowAsync<StuckException>()).WithMessage("*does not come back*");
        host.Time.Elapsed.Should().Be(_second);
    }

    private static TaskDefinition Once() =>
        new() { AgentType = AgentType.Coding, Timeout = TimeSpan.FromSeconds(10), Retry = new() { MaxRetries = 0 } };

    /// <summary>A host whose agent awaits a timer, and goes on on the thread that fires it.</summary>
    private static Task<ConductorTestHost> StartAsync(Action<TaskContext> work) => ConductorTestHost.StartAsync(
        builder => builder.AddAgent(AgentType.Coding, _ => new LambdaAgent(async (task, token) =>
        {
            await Task.Delay(_second, task.TimeProvider, token).ConfigureAwait(false);
            work(task);
            return TaskData.Empty;
        })),
        new ConductorTestHostOptions { RealTimeLimit = TimeSpan.FromSeconds(2) });

    /// <summary>Lasts as long as its test, also where that fails: the host could not stop otherwise.</summary>
    private sealed class Block : IDisposable
    {
        private readonly ManualResetEventSlim _isOver = new();

        public void Wait() => _isOver.Wait();

        public void Work()
        {
            while (!_isOver.IsSet)
            {
            }
        }

        // (Not disposed of: whoever waits may have to see it first.)
        public void Dispose() => _isOver.Set();
    }
}
