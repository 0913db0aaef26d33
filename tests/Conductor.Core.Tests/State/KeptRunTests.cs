using System.Reflection;
using System.Text.Json;
using Conductor.Serialization;
using Conductor.State;
using Conductor.Tests.Support;

namespace Conductor.Tests.State;

/// <summary>A run that is over and was read is packed: whatever there is to know of it is the same before and after.</summary>
public sealed class KeptRunTests
{
    private const string Run = "run";
    private static readonly DateTimeOffset _now = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly WorkflowDefinition _definition = WorkflowDefinition.Create("kept")
        .Phase(WorkflowPhase.Development, phase =>
        {
            phase.Task("a", AgentType.Coding);
            phase.Task("b", AgentType.Coding);
        })
        .Phase(WorkflowPhase.DevOps, phase => phase.Task("c", AgentType.DevOps))
        .Build();

    private static readonly WorkflowSummary _summary = new()
    {
        WorkflowId = Run,
        DefinitionName = "kept",
        Status = WorkflowStatus.Completed,
        CurrentPhase = WorkflowPhase.DevOps,
        TaskCount = 3,
        StartedAt = _now,
        CompletedAt = _now.AddSeconds(5),
    };

    private static readonly PhaseRecord _phase = new() { Phase = WorkflowPhase.Development, StartedAt = _now, CompletedAt = _now.AddSeconds(1),
        Outcome = PhaseOutcome.Passed };

    public static TheoryData<string> SummaryProperties =>
        Members.Of<WorkflowSummary>(nameof(WorkflowSummary.WorkflowId), nameof(WorkflowSummary.StoreVersion), nameof(WorkflowSummary.Status));

    public static TheoryData<string> PhaseProperties => Members.Of<PhaseRecord>();

    [Theory]
    [MemberData(nameof(SummaryProperties))]
    public void Summary_WithAnythingElseInAnyMember_ReadsTheSame(string name) =>
        Members.Variants(_summary, name).Should().AllSatisfy(static changed => ShouldStay(Ended(changed)));

    [Theory]
    [MemberData(nameof(PhaseProperties))]
    public void Phase_WithAnythingElseInAnyMember_ReadsTheSame(string name) =>
        Members.Variants(_phase, name).Should().AllSatisfy(static changed => ShouldStay(Ended(_summary) with { Phases = [_phase, changed] }));

    [Theory]
    [InlineData(WorkflowStatus.Completed)]
    [InlineData(WorkflowStatus.Failed)]
    [InlineData(WorkflowStatus.Cancelled)]
    public void Run_ThatIsOver_ReadsTheSame(WorkflowStatus status) =>
        ShouldStay(Ended(_summary with { Status = status, CurrentPhase = null, CompletedAt = null }));

    [Fact]
    public void Run_WithEverythingThatFewHave_ReadsTheSame()
    {
        var step = Ended(_summary) with
        {
            Log = [new WorkflowLogEntry { Timestamp = _now, Error = new TaskError { Code = "CODE", Message = "text" }, TaskId = "a" }],
            FeedbackRounds = [new FeedbackRound { Round = 1, From = WorkflowPhase.DevOps, To = WorkflowPhase.Development, StartedAt = _now }],
            Redeliveries = [new TaskRedelivery { TaskId = "a", Round = 0, Crashes = 2 }],
            Results = [Result("a"), Result("b") with { Status = AgentTaskStatus.Failed, Error = new TaskError { Code = "CODE", Message = "text" } },
                Result("unknown to the definition")],
            Events = [.. Enumerable.Range(1, 5).Select(Event)],
        };

        ShouldStay(step);
    }

    /// <summary>Steps of others than a run's loop are not on one tape, and so are no stretch together.</summary>
    [Theory]
    [InlineData(1_000)]
    [InlineData(25)]
    public void Run_WithEventsOfManySteps_ReadsTheSame(int maxEvents)
    {
        var workflow = NewWorkflow(maxEvents);
        for (var step = 0; step < 10; step++)
        {
            Commit(workflow, Ended(_summary) with { ExpectedVersion = step, Results = [], Events = [.. Enumerable.Range((step * 8) + 1, 8).Select(Event)] });
        }

        ShouldStay(workflow);
        workflow.GetHistory(0, 1_000)!.Events.Select(static happening => happening.Position).Should().Equal(
            Enumerable.Range(1, 80).TakeLast(maxEvents).Select(static position => (long)position));
    }

    [Fact]
    public void Run_WithEventsOfItsLoop_ReadsTheSame()
    {
        var tape = new EventTape(Run, _definition, expected: 10);
        tape.AddOfRun(WorkflowEventKind.PhaseStarted, "text", WorkflowStatus.InProgress, error: null, WorkflowPhase.Development, round: 0, _now);
        tape.AddStarted(1, WorkflowPhase.Development, round: 0, _now);
        tape.AddFinished(1, tape.AddAgent("agent"), Result("b"), WorkflowPhase.Development, round: 0, _now.AddSeconds(1));
        tape.AddWhole(Event(4));

        ShouldStay(Ended(_summary) with { Events = tape.Take() });
    }

    [Fact]
    public void Result_OfAnEarlierRound_IsStillThere()
    {
        var workflow = NewWorkflow();
        Commit(workflow, Ended(_summary with { Status = WorkflowStatus.InProgress }) with { Results = [Result("a")] });
        Commit(workflow,
            Ended(_summary) with { ExpectedVersion = 1, ReopenedTaskIds = ["a"], Results = [Result("a") with { Round = 1, Output = TaskData.From("later") }] });
        Pack(workflow);

        workflow.GetResult("a", 0).Should().Be(Result("a"));
        workflow.GetResult("a", 1)!.Output.Get<string>().Should().Be("later");
        workflow.GetResult("b", 0).Should().BeNull();
    }

    [Fact]
    public void Result_ThatComesLate_IsKeptBesideTheOthers()
    {
        var workflow = NewWorkflow();
        Commit(workflow, Ended(_summary) with { Results = [Result("a")] });
        Pack(workflow);

        workflow.TryRecord(Result("a")).Should().BeFalse("the first that was recorded is the one that everybody sees");
        workflow.TryRecord(Result("b")).Should().BeTrue();
        workflow.TryRecord(Result("unknown")).Should().BeTrue();

        IsPacked(workflow).Should().BeTrue("nobody may read it a second time");
        Pack(workflow).TaskResults.Keys.Should().Equal("a", "b", "unknown");
        workflow.GetState()!.TaskResults.Values.Should().Equal(Result("a"), Result("b"), Result("unknown"));
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("text", true)]
    [InlineData("an id of this process", true)]
    public void LastStep_RepeatedBySomebodyWhoDidNotLearnOfIt_IsNotMadeTwice(string? operation, bool isKnown)
    {
        var workflow = NewWorkflow();
        var step = Ended(_summary) with
        {
            OperationId = operation == "an id of this process" ? EntityId.New() : operation,
            Log = [new WorkflowLogEntry { Timestamp = _now, Error = new TaskError { Code = "CODE", Message = "text" } }],
        };
        Commit(workflow, step);
        Pack(workflow);

        workflow.TryCommit(step).Should().Be(isKnown ? (1, 1) : (0, 1));
        IsPacked(workflow).Should().BeTrue("nothing changed");
        Pack(workflow).ErrorLog.Should().ContainSingle();
    }

    [Fact]
    public void Run_ThatWasAskedToCancel_StaysSo_AndCannotBeAskedAgain()
    {
        var workflow = NewWorkflow();
        workflow.Summary.Should().BeNull();
        Commit(workflow, Ended(_summary with { Status = WorkflowStatus.InProgress }));
        workflow.RequestCancellation().Should().BeTrue();
        (workflow.Summary is not null, workflow.IsUnfinished).Should().Be((true, true));
        Commit(workflow, Ended(_summary with { Status = WorkflowStatus.Cancelled }) with { ExpectedVersion = 1 });
        Pack(workflow);

        (workflow.Summary is not null, workflow.IsUnfinished, workflow.IsCancellationRequested).Should().Be((true, false, true));
        workflow.RequestCancellation().Should().BeFalse();
    }

    [Fact]
    public void Run_ThatIsTakenUpAgain_GoesOnFromWhatWasKept()
    {
        var workflow = NewWorkflow();
        Commit(workflow, Ended(_summary) with { Results = [Result("a")], NewAgents = ["agent"] });
        Pack(workflow);

        Commit(workflow, Ended(_summary with { Status = WorkflowStatus.InProgress }) with { ExpectedVersion = 1, Definition = null,
            Results = [Result("b")], NewAgents = ["other"] });

        var state = workflow.GetState()!;
        (state.StoreVersion, state.IsRunning, workflow.Definition).Should().Be((2, true, _definition));
        state.TaskResults.Keys.Should().Equal("a", "b");
        state.ParticipatingAgents.Should().Equal("agent", "other");
    }

    private static InMemoryWorkflow NewWorkflow(int maxEvents = 1_000) => new(Run, maxEvents);

    private static void Commit(InMemoryWorkflow workflow, WorkflowTransition step) => workflow.TryCommit(step).Version.Should().Be(step.ExpectedVersion + 1);

    /// <summary>The first to read the state of a run that is over has it packed.</summary>
    private static WorkflowState Pack(InMemoryWorkflow workflow) => workflow.GetState()!;

    private static bool IsPacked(InMemoryWorkflow workflow) =>
        typeof(InMemoryWorkflow).GetField("_record", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(workflow) is null;

    private static void ShouldStay(WorkflowTransition step)
    {
        var workflow = NewWorkflow();
        Commit(workflow, step);
        ShouldStay(workflow);
    }

    private static void ShouldStay(InMemoryWorkflow workflow)
    {
        var (summary, history) = (Json(workflow.Summary), Json(workflow.GetHistory(0, 1_000)));
        IsPacked(workflow).Should().BeFalse();

        var state = Pack(workflow);

        IsPacked(workflow).Should().BeTrue();
        for (var turn = 0; turn < 2; turn++)
        {
            Json(workflow.GetState()).Should().Be(Json(state));
            Json(workflow.Summary).Should().Be(summary);
            Json(workflow.GetHistory(0, 1_000)).Should().Be(history);
            workflow.Definition.Should().BeSameAs(_definition);
            workflow.IsCancellationRequested.Should().BeFalse();
        }
    }

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, ConductorJson.Options);

    private static WorkflowTransition Ended(WorkflowSummary summary) => new()
    {
        Summary = summary,
        ExpectedVersion = 0,
        Definition = _definition,
        OperationId = "step",
        Results = [Result("a"), Result("c") with { Output = TaskData.From("text") }],
        Phases = [_phase],
        NewAgents = ["agent", "other"],
        Events = [Event(1), Event(2)],
    };

    private static TaskResult Result(string task) => new()
    {
        TaskId = task,
        WorkflowId = Run,
        AgentId = "agent",
        Status = AgentTaskStatus.Completed,
        Output = TaskData.From(42),
        Attempts = 1,
        StartedAt = _now,
        CompletedAt = _now.AddSeconds(1),
        Duration = TimeSpan.FromSeconds(1),
    };

    private static WorkflowEvent Event(int position) => new()
    {
        Position = position,
        WorkflowId = Run,
        Kind = WorkflowEventKind.Warning,
        Timestamp = _now,
        Message = $"event {position}",
    };
}
