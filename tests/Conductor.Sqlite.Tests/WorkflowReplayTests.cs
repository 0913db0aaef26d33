using Conductor.Agents;
using Conductor.DependencyInjection;
using Conductor.Workflows;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Sqlite.Tests;

/// <summary>A dead letter of a run that another program replays: what the run had is read from the file.</summary>
public sealed class WorkflowReplayTests : IDisposable
{
    private static readonly WorkflowDefinition _loop = new()
    {
        Name = "loop",
        Phases = [WorkflowPhase.Development, WorkflowPhase.Monitoring],
        Tasks =
        [
            new TaskDefinition { Id = "plan", AgentType = AgentType.Coding },
            new TaskDefinition { Id = "code", AgentType = AgentType.Coding },
            new TaskDefinition { Id = "pack", AgentType = AgentType.Coding, DependsOn = ["plan", "code"] },
            new TaskDefinition { Id = "watch", AgentType = AgentType.Monitor },
        ],
    };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task DeadLettersOfTwoRounds_ReplayedByAnotherProgram_SeeWhatEachRoundSaw()
    {
        var seen = new List<string>();
        await using (var first = await StartAsync(seen, isBroken: true))
        {
            await first.GetRequiredService<ConductorRuntime>().Workflows.RunWorkflowAsync(_loop, new WorkflowRunOptions { RunId = "run" });
        }

        string[] then = ["0: plan 0, code 0, ", "1: plan 0, code 1, found 0"];
        seen.Should().Equal(then);
        seen.Clear();
        await using var second = await StartAsync(seen, isBroken: false);

        var results = await second.GetRequiredService<ConductorRuntime>().Coordinator.ReplayDeadLettersAsync();

        results.Should().HaveCount(2).And.OnlyContain(static result => result.IsSuccess);
        seen.Should().Equal(then);
    }

    private async Task<ServiceProvider> StartAsync(List<string> seen, bool isBroken)
    {
        var services = new ServiceCollection();
        services.AddConductor(static options => (options.Retry.MaxRetries, options.Policies.MinPhaseSuccessRate) = (0, 0.1))
            .UseSqlite(_folder.ConnectionString)
            .AddAgent<string>(AgentType.Coding, (task, _) => new ValueTask<string>(Run(task, seen, isBroken)))
            .AddAgent<string>(AgentType.Monitor, static (task, _) =>
            {
                if (task.Round < 1)
                {
                    task.SendBack(FeedbackSeverity.Error, $"found {task.Round}", "code");
                }

                return new ValueTask<string>("watched");
            });
        var provider = services.BuildServiceProvider();
        await provider.StartConductorAsync();
        return provider;
    }

    private static string Run(TaskContext task, List<string> seen, bool isBroken)
    {
        if (task.Task.Name != "pack")
        {
            return $"{task.Task.Id} {task.Round}";
        }

        seen.Add(
            $"{task.Round}: {task.Output<string>("plan")}, {task.Output<string>("code")}, " +
            $"{string.Join(';', task.Feedback.SelectMany(static item => item.Findings))}");
        return isBroken ? throw new AgentException(ErrorCodes.TransientError, "broken") : "packed";
    }
}
