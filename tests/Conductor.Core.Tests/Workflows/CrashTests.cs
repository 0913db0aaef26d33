using Conductor.Tests.Support;
using static Conductor.Tests.Support.DeadOwners;

namespace Conductor.Tests.Workflows;

/// <summary>Tasks under which processes die: counted, tried alone, and given up.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task RecoverAsync_TaskKilledItsProcessThreeTimes_IsDeadLetteredAndTheGateJudges()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Chain(), times: 3);
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => throw new InvalidOperationException("must not run"));
        await heir.Engine.RecoverAsync();

        var state = await CompleteAsync(heir);
        state.Error!.Code.Should().Be(ErrorCodes.PhaseGateFailed);
        state.TaskResults["second"].Error!.Code.Should().Be(ErrorCodes.TaskCrashed);
        state.TaskResults["third"].Status.Should().Be(AgentTaskStatus.Blocked);
        var letter = (await heir.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which;
        letter.Task!.Id.Should().Be("second");
        letter.Code.Should().Be(ErrorCodes.TaskCrashed);
        letter.IdempotencyKey.Should().Be("run:second:0");
    }

    [Fact]
    public async Task RecoverAsync_OptionalTaskKilledItsProcessThreeTimes_IsSkipped()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Chain(optional: true), times: 3);
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => "done");
        await heir.Engine.RecoverAsync();
        var state = await CompleteAsync(heir);
        state.Status.Should().Be(WorkflowStatus.Completed);
        state.TaskResults["second"].Status.Should().Be(AgentTaskStatus.Skipped);
        (await heir.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task RecoverAsync_OneCrashBeforeTheEnd_SuspectsRunAlone()
    {
        await using var processes = new Processes();
        WorkflowDefinition four = new()
        {
            Name = "four",
            Phases = [WorkflowPhase.Development],
            Tasks = [.. "abcd".Select(static id => new TaskDefinition { Id = $"{id}", AgentType = AgentType.Coding })],
        };
        await KillAsync(processes, four, times: 2, agents: 4, stuckOn: ["a", "b", "c", "d"]);

        var heir = await processes.StartAsync();
        var (running, most) = (0, 0);
        var gate = new Lock();
        for (var i = 0; i < 4; i++)
        {
            await heir.AddAsync(async (task, token) =>
            {
                lock (gate)
                {
                    most = Math.Max(most, ++running);
                }

                await Task.Delay(TimeSpan.FromSeconds(1), task.TimeProvider, token);
                lock (gate)
                {
                    running--;
                }

                return "done";
            });
        }

        await heir.Engine.RecoverAsync();
        (await CompleteAsync(heir)).CompletedTasks.Should().Be(4);
        most.Should().Be(1);
    }
}
