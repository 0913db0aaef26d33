using System.Text.Json;
using Conductor.Serialization;
using Conductor.Testing;

namespace Conductor.Tests.Hall;

public sealed class DerivedValueTests
{
    private static readonly DateTimeOffset _start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void AgentIdentity_WithoutName_IsCalledByItsId()
    {
        new AgentIdentity { Id = "a", Type = AgentType.Coding }.Name.Should().Be("a");
        new AgentIdentity { Id = "a", Type = AgentType.Coding, Name = "Ada" }.Name.Should().Be("Ada");
    }

    [Fact]
    public void AgentIdentity_CalledByItsId_EqualsOneWithoutName()
    {
        var unnamed = new AgentIdentity { Id = "a", Type = AgentType.Coding };
        var named = unnamed with { Name = "a" };

        named.Should().Be(unnamed);
        named.GetHashCode().Should().Be(unnamed.GetHashCode());
        (unnamed with { Name = "b" }).Should().NotBe(unnamed);
        (unnamed with { Version = "1" }).Should().NotBe(unnamed);
        System.Text.Json.JsonSerializer.Deserialize<AgentIdentity>(System.Text.Json.JsonSerializer.Serialize(unnamed)).Should().Be(unnamed);
    }

    [Theory]
    [InlineData(0, 0, 1.0)]
    [InlineData(3, 1, 0.75)]
    [InlineData(0, 2, 0.0)]
    [InlineData(long.MaxValue, 0, 1.0)]
    public void AgentState_SuccessRate_IsCompletedOfAllFinished(long completed, long failed, double rate)
    {
        var state = new AgentState { AgentId = "a", AgentType = AgentType.Test, CompletedTasks = completed, FailedTasks = failed };

        state.SuccessRate.Should().Be(rate);
        state.TotalTasks.Should().Be(completed + failed);
    }

    [Fact]
    public void AgentState_SuccessRate_CountsBeyondWhatALongHolds_IsARate() =>
        new AgentState { AgentId = "a", AgentType = AgentType.Test, CompletedTasks = long.MaxValue, FailedTasks = long.MaxValue }.SuccessRate.Should().Be(0.5);

    [Theory]
    [InlineData(AgentStatus.Idle, true)]
    [InlineData(AgentStatus.Running, false)]
    [InlineData(AgentStatus.Waiting, false)]
    [InlineData(AgentStatus.Failed, false)]
    [InlineData(AgentStatus.Stopped, false)]
    public void AgentState_IsAvailable_OnlyWhenIdle(AgentStatus status, bool available) =>
        new AgentState { AgentId = "a", AgentType = AgentType.Test, Status = status }.IsAvailable.Should().Be(available);

    [Theory]
    [InlineData(WorkflowStatus.Pending, false, false)]
    [InlineData(WorkflowStatus.InProgress, true, false)]
    [InlineData(WorkflowStatus.Waiting, false, false)]
    [InlineData(WorkflowStatus.Completed, false, true)]
    [InlineData(WorkflowStatus.Failed, false, true)]
    [InlineData(WorkflowStatus.Cancelled, false, true)]
    public void WorkflowState_RunningAndComplete_FollowTheStatus(WorkflowStatus status, bool running, bool complete)
    {
        var state = new WorkflowState { WorkflowId = "r", DefinitionName = "d", Status = status };

        state.IsRunning.Should().Be(running);
        state.IsComplete.Should().Be(complete);
        state.ToSummary().IsComplete.Should().Be(complete);
    }

    [Fact]
    public void WorkflowState_Counts_FollowTheResults()
    {
        var results = new[]
        {
            AgentTaskStatus.Completed, AgentTaskStatus.Completed, AgentTaskStatus.Failed,
            AgentTaskStatus.Blocked, AgentTaskStatus.Skipped, AgentTaskStatus.Cancelled,
        }.Select((status, i) => new TaskResult { TaskId = $"t{i}", Status = status }).ToDictionary(result => result.TaskId);

        var state = new WorkflowState
        {
            WorkflowId = "r", DefinitionName = "d", TaskResults = results, StartedAt = _start, CompletedAt = _start.AddMinutes(2),
        };

        (state.CompletedTasks, state.FailedTasks, state.SkippedTasks).Should().Be((2, 2, 1));
        state.Duration.Should().Be(TimeSpan.FromMinutes(2));
        (state with { CompletedAt = null }).Duration.Should().BeNull();
    }

    [Fact]
    public void WorkflowState_SummaryAndBack_IsTheSame()
    {
        var state = new WorkflowState
        {
            WorkflowId = "r", DefinitionName = "d", DefinitionVersion = "2", DefinitionHash = "h", Status = WorkflowStatus.Failed,
            CurrentPhase = WorkflowPhase.DevOps, Round = 1, TaskCount = 4, Error = new TaskError { Code = "C", Message = "m" },
            StartedAt = _start, CompletedAt = _start, StoreVersion = 9, Metadata = new Dictionary<string, string> { ["k"] = "v" },
        };

        var back = state.ToSummary().ToState(state.PhaseHistory, state.TaskResults, state.FeedbackRounds, state.ErrorLog, state.ParticipatingAgents);

        JsonSerializer.Serialize(back, ConductorJson.Options).Should().Be(JsonSerializer.Serialize(state, ConductorJson.Options));
    }

    [Fact]
    public void EnsureCompleted_FailedRun_ThrowsWithItsCodeAndState()
    {
        var state = new WorkflowState
        {
            WorkflowId = "r", DefinitionName = "d", Status = WorkflowStatus.Failed, Error = new TaskError { Code = ErrorCodes.PhaseGateFailed,
                Message = "gate" },
        };

        var thrown = FluentActions.Invoking(() => state.EnsureCompleted()).Should().Throw<WorkflowFailedException>().Which;

        thrown.ErrorCode.Should().Be(ErrorCodes.PhaseGateFailed);
        thrown.State.Should().BeSameAs(state);
        thrown.Message.Should().Contain("r").And.Contain("gate");
        var completed = state with { Status = WorkflowStatus.Completed };
        completed.EnsureCompleted().Should().BeSameAs(completed);
    }

    [Theory]
    [InlineData(WorkflowStatus.InProgress)]
    [InlineData(WorkflowStatus.Waiting)]
    public void EnsureCompleted_RunThatGoesOn_SaysThatItHasNotEnded(WorkflowStatus status)
    {
        var state = new WorkflowState { WorkflowId = "r", DefinitionName = "d", Status = status };

        FluentActions.Invoking(() => state.EnsureCompleted()).Should().Throw<WorkflowFailedException>()
            .WithMessage($"Run 'r'*has not ended*{status}*Completion*").Which.State.Should().BeSameAs(state);
    }

    [Fact]
    public void EnsureSucceeded_FailedTask_ThrowsWithItsCodeAndResult()
    {
        var result = new TaskResult
        {
            TaskId = "t", Status = AgentTaskStatus.Failed, Attempts = 3,
            Error = new TaskError { Code = ErrorCodes.LlmTimeout, Message = "slow", IsTransient = true, RetryAfter = TimeSpan.FromSeconds(1) },
        };

        var thrown = FluentActions.Invoking(() => result.EnsureSucceeded()).Should().Throw<TaskFailedException>().Which;

        thrown.ErrorCode.Should().Be(ErrorCodes.LlmTimeout);
        thrown.IsTransient.Should().BeTrue();
        thrown.RetryAfter.Should().Be(TimeSpan.FromSeconds(1));
        thrown.Result.Should().BeSameAs(result);
    }

    [Fact]
    public void TaskDefinition_Defaults_AreThoseOfTheDataModel()
    {
        var task = new TaskDefinition { AgentType = AgentType.Coding };

        task.Name.Should().Be(task.Id).And.NotBeEmpty();
        task.Priority.Should().Be(TaskPriority.Medium);
        task.Timeout.Should().Be(TimeSpan.FromMinutes(2));
        task.Optional.Should().BeFalse();
        task.Phase.Should().BeNull();
        task.Input.IsEmpty.Should().BeTrue();
        TaskDefinition.MaxTimeout.Should().Be(TimeSpan.FromHours(24));
        new WorkflowDefinition { Name = "w" }.Phases.Should().Equal(WorkflowPhase.Default);
    }

    [Fact]
    public void TaskDefinition_Ids_AreOrderedByTime() =>
        Enumerable.Range(0, 100).Select(_ => new TaskDefinition { AgentType = AgentType.Coding }.Id).Should().BeInAscendingOrder(StringComparer.Ordinal);

    [Theory]
    [InlineData(null, "t", 0, "task_result:t", "t:0")]
    [InlineData("r", "t", 0, "task_result:r:t:0", "r:t:0")]
    [InlineData("r", "t", 2, "task_result:r:t:2", "r:t:2")]
    public void ExecutionKey_GivesStoreKeyAndIdempotencyKey(string? run, string task, int round, string storeKey, string idempotencyKey)
    {
        var key = new ExecutionKey(run, task, round);

        key.StoreKey.Should().Be(storeKey);
        key.ToIdempotencyKey(given: null).Should().Be(idempotencyKey);
        key.ToString().Should().Be(idempotencyKey);
        key.ToIdempotencyKey("own").Should().Be($"own:{round}");
    }

    [Fact]
    public void WorkflowEvent_AsText_IsOneLineForPeople()
    {
        var happening = new WorkflowEvent
        {
            Position = 7, WorkflowId = "r", Kind = WorkflowEventKind.TaskFinished, Timestamp = _start, Phase = WorkflowPhase.DevOps, TaskId = "pack",
            TaskStatus = AgentTaskStatus.Failed, Round = 1, Error = new TaskError { Code = "C", Message = "broke" },
        };

        happening.ToString().Should().ContainAll("7", "TaskFinished", "devops", "pack", "Failed", "round 1", "C: broke").And.NotContain("\n");
    }

    [Fact]
    public void VirtualClock_Default_IsNotThePresent() => new VirtualTimeProvider().GetUtcNow().Year.Should().Be(2030);
}
