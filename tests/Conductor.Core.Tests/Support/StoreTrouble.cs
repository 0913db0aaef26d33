using Conductor.Agents;
using Conductor.Workflows;

namespace Conductor.Tests.Support;

/// <summary>A run of one task on a store with which something goes wrong.</summary>
internal static class StoreTrouble
{
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(20);

    public static WorkflowRunOptions Run { get; } = new() { RunId = "run" };

    public static WorkflowDefinition One { get; } = new()
    {
        Name = "one",
        Tasks = [new TaskDefinition { Id = "task", AgentType = AgentType.Coding, Timeout = TimeSpan.FromHours(5) }],
    };

    public static Task Unavailable() => throw new StateException(ErrorCodes.StateUnavailable, "down") { IsTransient = true };

    public static async ValueTask<TaskData> Stuck(TaskContext task, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return "never";
    }

    public static async Task<(Rig Rig, TroubledStateManager Store)> StartAsync(
        Processes processes, Func<TaskContext, CancellationToken, ValueTask<TaskData>> run)
    {
        var store = new TroubledStateManager(processes.Store);
        var rig = await processes.StartAsync(wrap: _ => store);
        await rig.AddAsync(run);
        return (rig, store);
    }
}
