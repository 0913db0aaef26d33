using System.Collections.Concurrent;
using Conductor.Coordination;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>An agent that comes free with a place is kept for the one of its type that is promised the place.</summary>
public sealed class KeptAgentTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<string> _begun = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _ends = new();

    /// <summary>Two types under a limit of one, each with one agent: neither one of its own type passes it, that waits for the agent, nor one of the other.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_OthersWaitForTheAgentOfThePromisedOne_DoNotPassIt()
    {
        for (var turn = 0; turn < 20; turn++)
        {
            _begun.Clear();
            _ends.Clear();
            await using var rig = await StartAsync(AgentType.Coding, AgentType.Review);
            var tasks = new List<Task>();
            await DispatchAsync(rig, tasks, AgentType.Coding, TaskPriority.Critical, "first");
            await DispatchAsync(rig, tasks, AgentType.Review, TaskPriority.Critical, "second");
            await DispatchAsync(rig, tasks, AgentType.Review, TaskPriority.Critical, "third");
            await DispatchAsync(rig, tasks, AgentType.Coding, TaskPriority.Low, "low");
            await EndAsync("first", "second");
            await DispatchAsync(rig, tasks, AgentType.Review, TaskPriority.Low, "low of its type");

            await EndAsync("second", "third");
            await EndAsync("third", "low");
            await EndAsync("low", "low of its type");
            End("low of its type");
            await Task.WhenAll(tasks).WaitAsync(_limit);
        }
    }

    /// <summary>It is cancelled just as it is promised the place and the agent: both are for the one that waits for that agent.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_ThePromisedOneIsCancelled_TheAgentIsForOthers()
    {
        for (var turn = 0; turn < 50; turn++)
        {
            _begun.Clear();
            _ends.Clear();
            await using var rig = await StartAsync(AgentType.Coding, AgentType.Review);
            var tasks = new List<Task>();
            using var cancellation = new CancellationTokenSource();
            await DispatchAsync(rig, tasks, AgentType.Coding, TaskPriority.Critical, "first");
            await DispatchAsync(rig, tasks, AgentType.Review, TaskPriority.Critical, "second");
            var promised = rig.DispatchAsync(Rig.NewTask(AgentType.Review) with { Name = "cancelled", Priority = TaskPriority.Critical }, cancellation.Token);
            await EndAsync("first", "second");
            await DispatchAsync(rig, tasks, AgentType.Review, TaskPriority.Low, "low of its type", waiting: 2);

            End("cancelled");
            var cancelling = Task.Run(cancellation.Cancel);
            End("second");

            await Rig.UntilAsync(() => _begun.Contains("low of its type"), "the other to begin");
            End("low of its type");
            await Task.WhenAll([.. tasks, cancelling]).WaitAsync(_limit);
            await promised.ContinueWith(static _ => { }, TaskScheduler.Default).WaitAsync(_limit);
            rig.Coordinator.GetAvailableAgents(AgentType.Review).Should().ContainSingle();
        }
    }

    /// <summary>Another agent of its type is idle, which it takes: the one that was kept is for the next.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_ThePromisedOneTakesAnotherAgent_TheKeptOneIsForOthers()
    {
        await using var rig = await StartAsync(AgentType.Review, AgentType.Review);
        var tasks = new List<Task>();
        await DispatchAsync(rig, tasks, AgentType.Review, TaskPriority.Critical, "first");
        await DispatchAsync(rig, tasks, AgentType.Review, TaskPriority.Critical, "second");
        await DispatchAsync(rig, tasks, AgentType.Review, TaskPriority.Low, "third");

        await EndAsync("first", "second");
        await EndAsync("second", "third");
        End("third");

        await Task.WhenAll(tasks).WaitAsync(_limit);
        rig.Coordinator.GetAvailableAgents(AgentType.Review).Should().HaveCount(2);
    }

    private async Task<Rig> StartAsync(params AgentType[] types)
    {
        var rig = await Rig.StartAsync(new RigOptions
        {
            Policies = [new MaxConcurrentTasksPolicy(1)],
            Dispatch = new DispatchOptions { PolicyRecheckInterval = TimeSpan.FromHours(1) },
        });
        foreach (var type in types)
        {
            await rig.AddAsync(
                async (task, _) =>
                {
                    _begun.Enqueue(task.Task.Name);
                    await EndOf(task.Task.Name).Task;
                    return TaskData.Empty;
                },
                type);
        }

        return rig;
    }

    /// <summary>Dispatches a task that begins where it is the first, and waits otherwise.</summary>
    private async Task DispatchAsync(Rig rig, List<Task> tasks, AgentType type, TaskPriority priority, string name, int? waiting = null)
    {
        rig.Time.Advance(TimeSpan.FromMilliseconds(1));
        tasks.Add(rig.DispatchAsync(Rig.NewTask(type) with { Name = name, Priority = priority }));
        var expected = waiting ?? tasks.Count - Math.Max(_begun.Count, 1);
        await Rig.UntilAsync(() => !_begun.IsEmpty && rig.Coordinator.WaitingTasks == expected, name);
    }

    /// <summary>Ends a task, and sees which begins next.</summary>
    private async Task EndAsync(string name, string next)
    {
        var begun = _begun.Count;
        End(name);
        await Rig.UntilAsync(() => _begun.Count > begun, $"the next after {name}");
        _begun.ElementAt(begun).Should().Be(next);
    }

    private void End(string name) => EndOf(name).TrySetResult();

    private TaskCompletionSource EndOf(string name) =>
        _ends.GetOrAdd(name, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
