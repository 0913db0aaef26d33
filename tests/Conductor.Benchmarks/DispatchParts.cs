using System.Diagnostics;
using Conductor.Agents;
using Conductor.Benchmarks.Agents;
using Conductor.DependencyInjection;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Benchmarks;

/// <summary>What a dispatch is made of: each part done by itself, and the whole with one thing changed; and a workflow. Takes turns, medians.</summary>
internal static class DispatchParts
{
    private const int Rounds = 7;
    private const int Operations = 20_000;
    private static readonly TimeSpan _warmUp = TimeSpan.FromSeconds(3);

    public static async Task MeasureAsync()
    {
        await using var provider = Setup.CreateProvider();
        await using var conductor = await Setup.StartAsync(provider, agents: 8, static () => new EchoAgent());
        await using var forgetful = CreateProvider(kept: 1);
        await using var forgetting = await Setup.StartAsync(forgetful, agents: 8, static () => new EchoAgent());
        await using var unruled = CreateProvider(hasPolicies: false);
        await using var ruleless = await Setup.StartAsync(unruled, agents: 8, static () => new EchoAgent());
        var parts = Parts(provider, conductor);
        parts.Add(("whole dispatch", () => DispatchAsync(conductor)));
        parts.Add(("whole dispatch, 1 result kept", () => DispatchAsync(forgetting)));
        parts.Add(("whole dispatch, no policies", () => DispatchAsync(ruleless)));
        var workflow = NewWorkflow();
        parts.Add(("workflow of 3 x 10", () => RunAsync(conductor, workflow)));
        parts.Add(("workflow of 3 x 10, 1 finished run kept", () => RunAsync(forgetting, workflow)));
        await ReportAsync(parts);
    }

    private static List<(string Name, Func<ValueTask> Act)> Parts(ServiceProvider provider, ConductorRuntime conductor)
    {
        var policies = provider.GetRequiredService<PolicyEngine>();
        var store = provider.GetRequiredService<StateManager>();
        var task = NewTask();
        var context = new DispatchPolicyContext { Task = task, CandidateStatus = AgentStatus.Idle, AvailableAgents = 8 };
        var message = new AgentMessage { Type = MessageType.StatusUpdate, Sender = "benchmark", Timestamp = DateTimeOffset.UtcNow };
        var agent = new EchoAgent();
        return
        [
            ("the task (the caller's)", static () => Done(NewTask())),
            ("an id", static () => Done(EntityId.New())),
            ("a look at both clocks", static () => Done(TimeProvider.System.GetUtcNow().Ticks + TimeProvider.System.GetTimestamp())),
            ("the default policies", () => policies.EnforceAsync(context)),
            ("a publish that nobody hears", () => conductor.Bus.PublishAsync("nobody", message)),
            ("the agent's own part",
                async () => await Done(await agent.ExecuteTaskAsync(new TaskContext(new TaskAssignment { Task = task, IdempotencyKey = task.Id })))),
            ("looking up and saving the result", async () => await Done(await SaveAsync(store))),
            ("a hand-over to the thread pool and back", HopAsync),
        ];
    }

    private static async Task ReportAsync(List<(string Name, Func<ValueTask> Act)> parts)
    {
        var figures = parts.Select(static _ => (Times: new List<double>(), Bytes: new List<double>())).ToList();
        foreach (var (_, act) in parts)
        {
            for (var startedAt = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(startedAt) < _warmUp;)
            {
                await RunAsync(act);
            }
        }

        for (var round = 0; round < Rounds; round++)
        {
            for (var part = 0; part < parts.Count; part++)
            {
                var (bytes, startedAt) = (GC.GetTotalAllocatedBytes(precise: true), Stopwatch.GetTimestamp());
                await RunAsync(parts[part].Act);
                figures[part].Times.Add(Stopwatch.GetElapsedTime(startedAt).TotalNanoseconds / Operations);
                figures[part].Bytes.Add((GC.GetTotalAllocatedBytes(precise: true) - bytes) / (double)Operations);
            }
        }

        for (var part = 0; part < parts.Count; part++)
        {
            Console.WriteLine($"| {parts[part].Name} | {Median(figures[part].Times):0} ns | {Median(figures[part].Bytes):0} B |");
        }
    }

    private static async Task RunAsync(Func<ValueTask> act)
    {
        for (var i = 0; i < Operations; i++)
        {
            await act();
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static TaskDefinition NewTask() => new() { AgentType = Setup.Worker, Input = "input" };

    private static async ValueTask DispatchAsync(ConductorRuntime conductor) => await Done(await conductor.Coordinator.DispatchTaskAsync(NewTask()));

    private static WorkflowDefinition NewWorkflow()
    {
        var workflow = WorkflowDefinition.Create("parts");
        foreach (var phase in WorkflowPhase.Default)
        {
            workflow.Phase(phase, tasks =>
            {
                for (var i = 0; i < 10; i++)
                {
                    tasks.Task($"{phase}-{i}", Setup.Worker, "input");
                }
            });
        }

        return workflow.Build();
    }

    private static async ValueTask RunAsync(ConductorRuntime conductor, WorkflowDefinition workflow) =>
        (await conductor.Workflows.RunWorkflowAsync(workflow)).EnsureCompleted();

    private static async ValueTask<RecordOutcome> SaveAsync(StateManager store)
    {
        var id = EntityId.New();
        await store.GetTaskResultAsync(id);
        return await store.SaveTaskResultAsync(new TaskResult { TaskId = id, Status = AgentTaskStatus.Completed });
    }

    private static async ValueTask HopAsync() => await Task.Yield();

    private static ValueTask Done<T>(T value)
    {
        GC.KeepAlive(value);
        return ValueTask.CompletedTask;
    }

    private static ServiceProvider CreateProvider(int? kept = null, bool hasPolicies = true)
    {
        var services = new ServiceCollection();
        services.AddConductor(options =>
        {
            options.Retention.MaxTaskResults = kept ?? options.Retention.MaxTaskResults;
            options.Retention.MaxFinishedWorkflows = kept ?? options.Retention.MaxFinishedWorkflows;
        });
        var provider = services.BuildServiceProvider();
        if (!hasPolicies)
        {
            var engine = provider.GetRequiredService<PolicyEngine>();
            foreach (var name in engine.ListPolicies())
            {
                engine.UnregisterPolicy(name);
            }
        }

        return provider;
    }
}
