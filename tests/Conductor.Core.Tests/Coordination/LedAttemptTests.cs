using System.Diagnostics.Metrics;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>A dispatch that waited is brought on by a thread that then runs the agent that it was given: that agent, and no other.</summary>
public sealed class LedAttemptTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    /// <summary>Its attempt is over before its agent began, and the next one begins at once, on the same thread.</summary>
    [Fact]
    public async Task DispatchTaskAsync_WaitedAndItsAgentIsUnregisteredAsItBegins_TheNextAgentRunsIt()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Meters = new OwnMeters() });
        var (first, second, begun) = (new TaskCompletionSource(), new TaskCompletionSource(), 0);
        await AddAsync("a", first);
        await AddAsync("b", second);
        using var listener = new MeterListener { InstrumentPublished = Listen };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) =>
        {
            if (Interlocked.Increment(ref begun) == 3)
            {
                second.SetResult();
                SpinWait.SpinUntil(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count > 0, _limit);
                _ = rig.Coordinator.UnregisterAgentAsync("a", new CancellationToken(canceled: true)).AsTask();
            }
        });
        listener.Start();
        Task<TaskResult>[] busy = [rig.DispatchAsync(Rig.NewTask() with { Name = "long" }), rig.DispatchAsync(Rig.NewTask() with { Name = "long" })];
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 2, "both to be busy");
        var third = rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 1, InitialDelay = TimeSpan.Zero } });
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the third to wait");

        first.SetResult();

        var result = await third.WaitAsync(_limit);
        (result.Status, result.AgentId, result.Attempts).Should().Be((AgentTaskStatus.Completed, "b", 2));
        await Task.WhenAll(busy).WaitAsync(_limit);

        void Listen(Instrument made, MeterListener own)
        {
            if (made.Name == "conductor.dispatch.wait_time" && ReferenceEquals(made.Meter, rig.Environment.Instruments.Meter))
            {
                own.EnableMeasurementEvents(made);
            }
        }

        Task AddAsync(string id, TaskCompletionSource release) => rig.AddAsync(
            async (task, _) =>
            {
                if (task.Task.Name == "long")
                {
                    await release.Task;
                }

                return TaskData.Empty;
            },
            id: id);
    }
}
