using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>Replaying dead letters of runs: the task sees of its run what it saw then.</summary>
public sealed class WorkflowReplayTests
{
    private static readonly RetrySettings _once = new() { MaxRetries = 0 };

    private bool _isBroken = true;

    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLetterAsync_TaskWithDependencies_HasTheirOutputs()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(Pack);
        await rig.Engine.RunWorkflowAsync(Chain(), new() { RunId = "run" });
        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Single();
        _isBroken = false;

        var result = await rig.Coordinator.ReplayDeadLetterAsync(letter.Id);

        result.Output.Get<string>().Should().Be("packed the code");
        (result.WorkflowId, result.Round).Should().Be(((string?)null, 0), "it is an execution outside the run");
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLetterAsync_OfAReplayThatFailed_HasTheOutputsStill()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(Pack);
        await rig.Engine.RunWorkflowAsync(Chain());
        (await rig.Coordinator.ReplayDeadLettersAsync()).Single().IsSuccess.Should().BeFalse();
        _isBroken = false;

        (await rig.Coordinator.ReplayDeadLettersAsync()).Single().Output.Get<string>().Should().Be("packed the code");
    }

    /// <summary>The gate lets the failure pass, so that the run goes on to a round in which one of two dependencies runs again.</summary>
    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLettersAsync_OfTwoRounds_EachSeesTheOutputsAndFindingsOfItsRound()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new PhaseGatePolicy(0.1)] });
        var seen = new ConcurrentQueue<string>();
        await rig.AddAsync(task =>
        {
            if (task.Task.Name != "pack")
            {
                return $"{task.Task.Id} {task.Round}";
            }

            seen.Enqueue(
                $"{task.Round}: {task.Output<string>("plan")}, {task.Output<string>("code")}, " +
                $"{string.Join(';', task.Feedback.SelectMany(static item => item.Findings))}");
            return _isBroken ? throw new AgentException(ErrorCodes.TransientError, "broken") : "packed";
        });
        await rig.AddAsync(
            static task =>
            {
                if (task.Round < 2)
                {
                    task.SendBack(FeedbackSeverity.Error, $"found {task.Round}", "code");
                }

                return TaskData.Empty;
            },
            AgentType.Monitor);
        await rig.Engine.RunWorkflowAsync(Loop());
        var then = seen.ToArray();
        _isBroken = false;
        seen.Clear();

        (await rig.Coordinator.ReplayDeadLettersAsync()).Should().HaveCount(3).And.OnlyContain(static result => result.IsSuccess);

        then.Should().Equal("0: plan 0, code 0, ", "1: plan 0, code 1, found 0", "2: plan 0, code 2, found 1");
        seen.Should().Equal(then);
    }

    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLetterAsync_RunIsGone_NamesTheRunAndTheCureAndTakesACorrectedInput()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(Pack);
        await rig.Engine.RunWorkflowAsync(Chain(), new() { RunId = "run" });
        await rig.State.DeleteWorkflowAsync("run");
        _isBroken = false;

        var result = (await rig.Coordinator.ReplayDeadLettersAsync()).Single();

        result.Error!.Code.Should().Be(ErrorCodes.TaskValidationFailed);
        result.Error.Message.Should().ContainAll("'code'", "run 'run'", "RetentionOptions", "corrected input").And.NotContain("After(");
        rig.Logs.GetSnapshot().Should().ContainSingle(static record => record.Id.Id == 1357).Which.Message.Should().ContainAll("run", "'code'");
        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Single();
        (await rig.Coordinator.ReplayDeadLetterAsync(letter.Id, "a copy")).Output.Get<string>().Should().Be("packed a copy");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public async Task ReplayDeadLetterAsync_RunHasNoSuchResult_SaysSo(int round)
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(Pack);
        await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "empty" }, new() { RunId = "run" });
        await rig.State.SaveDeadLetterAsync(new ErrorRecord
        {
            Id = "letter",
            Code = ErrorCodes.UnknownError,
            Message = "failed before",
            Timestamp = rig.Time.GetUtcNow(),
            Task = Chain().Tasks[1],
            WorkflowId = "run",
            Round = round,
        });
        _isBroken = false;

        (await rig.Coordinator.ReplayDeadLetterAsync("letter")).Error!.Message.Should().ContainAll("'code'", "run 'run'");
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_DependencyWasSkipped_SaysThat()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(task => task.Task.Id == "code" ? throw new AgentException(ErrorCodes.TransientError, "no code") : Pack(task));
        var chain = Chain();
        await rig.Engine.RunWorkflowAsync(chain with { Tasks = [chain.Tasks[0] with { Optional = true }, chain.Tasks[1]] });
        _isBroken = false;

        (await rig.Coordinator.ReplayDeadLettersAsync()).Single().Error!.Message.Should().Contain("was skipped");
        rig.Logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == 1357);
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_WithoutDependencies_NeedsNoRun()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => _isBroken ? throw new AgentException(ErrorCodes.TransientError, "broken") : "done");
        var chain = Chain();
        await rig.Engine.RunWorkflowAsync(chain with { Tasks = [chain.Tasks[0]] }, new() { RunId = "run" });
        await rig.State.DeleteWorkflowAsync("run");
        _isBroken = false;

        (await rig.Coordinator.ReplayDeadLettersAsync()).Single().Output.Get<string>().Should().Be("done");
        rig.Logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == 1357);
    }

    /// <summary>A task that names none is in the phase of its agent type, as long as it is one of a run.</summary>
    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLettersAsync_PhaseComesFromTheAgentType_IsSeenAgain()
    {
        await using var rig = await Rig.StartAsync();
        var seen = new ConcurrentQueue<WorkflowPhase?>();
        await rig.AddAsync(task =>
        {
            seen.Enqueue(task.Phase);
            return _isBroken ? throw new AgentException(ErrorCodes.TransientError, "broken") : "done";
        });
        var chain = Chain();
        await rig.Engine.RunWorkflowAsync(chain with { Tasks = [chain.Tasks[0]] });
        rig.Time.Advance(TimeSpan.FromSeconds(1));
        await rig.DispatchAsync(Rig.NewTask() with { Retry = _once });
        _isBroken = false;

        (await rig.Coordinator.ReplayDeadLettersAsync()).Should().HaveCount(2).And.OnlyContain(static result => result.IsSuccess);

        seen.Should().Equal(WorkflowPhase.Development, null, WorkflowPhase.Development, null);
    }

    private static WorkflowDefinition Chain() => new()
    {
        Name = "chain",
        Phases = [WorkflowPhase.Development],
        Tasks =
        [
            new TaskDefinition { Id = "code", AgentType = AgentType.Coding, Retry = _once },
            new TaskDefinition { Id = "pack", AgentType = AgentType.Coding, Retry = _once, DependsOn = ["code"] },
        ],
    };

    private static WorkflowDefinition Loop() => new()
    {
        Name = "loop",
        Phases = [WorkflowPhase.Development, WorkflowPhase.Monitoring],
        Tasks =
        [
            new TaskDefinition { Id = "plan", AgentType = AgentType.Coding },
            new TaskDefinition { Id = "code", AgentType = AgentType.Coding },
            new TaskDefinition { Id = "pack", AgentType = AgentType.Coding, Retry = _once, DependsOn = ["plan", "code"] },
            new TaskDefinition { Id = "watch", AgentType = AgentType.Monitor },
        ],
    };

    private TaskData Pack(TaskContext task) => task.Task.Name != "pack" ? "the code"
        : _isBroken ? throw new AgentException(ErrorCodes.TransientError, "broken")
        : $"packed {(task.Input.IsEmpty ? task.Output<string>("code") : task.Input.Get<string>())}";
}
