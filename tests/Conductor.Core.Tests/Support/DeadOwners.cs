using Conductor.Agents;
using Conductor.Workflows;

namespace Conductor.Tests.Support;

/// <summary>A run whose owner died, and what is looked at when another one goes on with it.</summary>
internal static class DeadOwners
{
    public static WorkflowRunOptions Run { get; } = new() { RunId = "run" };

    public static WorkflowDefinition Chain(bool optional = false) => new()
    {
        Name = "chain",
        Phases = [WorkflowPhase.Development],
        Tasks =
        [
            new TaskDefinition { Id = "first", AgentType = AgentType.Coding },
            new TaskDefinition { Id = "second", AgentType = AgentType.Coding, DependsOn = ["first"], Optional = optional },
            new TaskDefinition { Id = "third", AgentType = AgentType.Coding, DependsOn = ["second"] },
        ],
    };

    public static Func<TaskContext, CancellationToken, ValueTask<TaskData>> StuckOn(params string[] tasks) => StuckOn(tasks, static () => { });

    private static Func<TaskContext, CancellationToken, ValueTask<TaskData>> StuckOn(string[] tasks, Action begun) => async (task, token) =>
    {
        if (tasks.Contains(task.Task.Id))
        {
            begun();
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
        }

        return $"{task.Task.Id} done";
    };

    /// <summary>Starts the chain with an owner that is stuck on its second task, and gives no sign of life from then on.</summary>
    public static async Task LeaveOnSecondAsync(Processes processes)
    {
        var dead = await processes.StartAsync();
        await dead.AddAsync(StuckOn("second"), id: "dead");
        await dead.Engine.StartWorkflowAsync(Chain(), Run);
        await FinishedAsync(processes, "first");
    }

    /// <summary>Has a run die under its owners, each while the tasks run on which it is stuck.</summary>
    public static async Task KillAsync(
        Processes processes, WorkflowDefinition definition, int times, int agents = 1, string[]? stuckOn = null, bool letLeasesRunOut = true)
    {
        string[] stuck = stuckOn ?? ["second"];
        for (var time = 0; time < times; time++)
        {
            var victim = await processes.StartAsync(new WorkflowOptions { MaxCrashes = 10 });
            var begun = 0;
            for (var i = 0; i < agents; i++)
            {
                await victim.AddAsync(StuckOn(stuck, () => Interlocked.Increment(ref begun)));
            }

            if (time == 0)
            {
                await victim.Engine.StartWorkflowAsync(definition, Run);
            }
            else
            {
                (await victim.Engine.RecoverAsync()).Should().Be(1);
            }

            await Rig.UntilAsync(() => begun == stuck.Length, "the tasks to run");
            if (stuckOn is null)
            {
                await FinishedAsync(processes, "first");
            }

            if (letLeasesRunOut)
            {
                processes.LetLeasesRunOut();
            }
        }
    }

    public static Task FinishedAsync(Processes processes, string taskId) =>
        UntilAsync(processes, state => state.TaskResults.ContainsKey(taskId) && state.TaskResults.Count == 1);

    public static async Task UntilAsync(Processes processes, Func<WorkflowState, bool> condition)
    {
        WorkflowState? state = null;
        await Rig.UntilAsync(
            () =>
            {
                var read = processes.Store.GetWorkflowStateAsync("run");
                state = read.IsCompletedSuccessfully ? read.Result : null;
                return state is not null && condition(state);
            },
            "the run to come so far");
    }

    public static async Task<WorkflowState> CompleteAsync(Rig rig)
    {
        var run = (await rig.Engine.GetRunAsync("run"))!;
        return await rig.DriveAsync(run.Completion);
    }
}
