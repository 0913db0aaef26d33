using Conductor.State;
using Conductor.Tests.Support;

namespace Conductor.Tests.State;

/// <summary>Whatever an event says, it says the same after it was on the tape.</summary>
public sealed class EventTapeTests
{
    private const string Run = "run";
    private const string Agent = "agent";
    private static readonly DateTimeOffset _now = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly WorkflowEvent _any = new()
    {
        Position = 5,
        WorkflowId = Run,
        Kind = WorkflowEventKind.Warning,
        Timestamp = _now,
        Phase = WorkflowPhase.DevOps,
        Round = 2,
    };

    private static readonly TaskResult _result = new()
    {
        TaskId = "task-7",
        AgentId = Agent,
        Status = AgentTaskStatus.Completed,
        Attempts = 3,
        Duration = TimeSpan.FromSeconds(4),
    };

    public static TheoryData<string> Properties => Members.Of<WorkflowEvent>();

    public static TheoryData<TaskResult> Results =>
    [
        _result,
        _result with { AgentId = null },
        _result with { Status = AgentTaskStatus.Skipped, Attempts = 100_000 },
        _result with { Attempts = 0, Duration = TimeSpan.Zero },
        _result with { Attempts = -1, Duration = TimeSpan.FromTicks(-1) },
        _result with { Duration = TimeSpan.MaxValue },
        _result with { Status = AgentTaskStatus.Failed, Error = new TaskError { Code = "CODE", Message = "text" } },
        _result with { TaskId = "other" },
    ];

    /// <summary>Phases that the definition knows, none, and one that it does not know; times of this process, and with an offset.</summary>
    public static TheoryData<string?, int, int> Frames => new()
    {
        { "devops", 0, 0 },
        { "development", int.MaxValue, 0 },
        { null, 1, 0 },
        { "unknown", 1, 0 },
        { "devops", 1, 2 },
    };

    [Theory]
    [MemberData(nameof(Frames))]
    public void AddStarted_AnyPhaseAndTime_ReadsTheSame(string? phase, int round, int hours)
    {
        var (tape, expected) = (
            NewTape(), Frame(phase, round, hours) with { Kind = WorkflowEventKind.TaskStarted, TaskId = "task-7", TaskStatus = AgentTaskStatus.InProgress });

        tape.AddStarted(7, expected.Phase, round, expected.Timestamp);

        ShouldRead(tape, expected);
    }

    [Theory]
    [MemberData(nameof(Results))]
    public void AddFinished_AnyResult_SaysWhatItSays(TaskResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        foreach (var (phase, round, hours) in new[] { ("devops", 0, 0), (null, 1, 0), ("unknown", 1, 0), ("devops", 1, 2) })
        {
            var (tape, expected) = (NewTape(), Frame(phase, round, hours) with
            {
                Kind = WorkflowEventKind.TaskFinished,
                TaskId = result.TaskId,
                AgentId = result.AgentId,
                TaskStatus = result.Status,
                Attempts = result.Attempts,
                Duration = result.Duration,
                Error = result.Error,
            });

            tape.AddFinished(7, result.AgentId is null ? null : tape.AddAgent(Agent), result, expected.Phase, round, expected.Timestamp);

            ShouldRead(tape, expected);
        }
    }

    [Theory]
    [MemberData(nameof(Frames))]
    public void AddOfRun_AnyPhaseAndTime_ReadsTheSame(string? phase, int round, int hours)
    {
        foreach (var kind in Enum.GetValues<WorkflowEventKind>().Except([WorkflowEventKind.TaskStarted, WorkflowEventKind.TaskFinished]))
        {
            foreach (var (message, status, error) in new (string?, WorkflowStatus?, TaskError?)[]
            {
                (null, null, null),
                ("text", WorkflowStatus.Pending, null),
                (string.Empty, WorkflowStatus.Cancelled, new TaskError { Code = "CODE", Message = "text" }),
            })
            {
                var (tape, expected) = (NewTape(), Frame(phase, round, hours) with { Kind = kind, Message = message, WorkflowStatus = status, Error = error });

                tape.AddOfRun(kind, message, status, error, expected.Phase, round, expected.Timestamp);

                ShouldRead(tape, expected);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Properties))]
    public void AddWhole_WithAnythingInAnyMember_ReadsTheSame(string name)
    {
        foreach (var happening in Members.Variants(_any, name))
        {
            var read = EventBatch.Of(Run, [happening]).Should().ContainSingle().Subject;

            read.Should().Be(happening);
            read.Timestamp.Offset.Should().Be(happening.Timestamp.Offset, "times are equal whatever their offset is");
        }
    }

    /// <summary>Time, phase and round are on the tape only where they change: each event has its own all the same, on whatever stretch it is.</summary>
    [Fact]
    public void Take_FramesThatChange_EachEventHasItsOwn()
    {
        var random = new Random(1);
        var (tape, steps) = (NewTape(), new List<EventBatch>());
        List<(DateTimeOffset, string?, int)> expected = [];
        for (var step = 0; step < 300; step++)
        {
            for (var left = random.Next(0, 4); left > 0; left--)
            {
                var (now, phase, round) = (
                    _now.AddSeconds(random.Next(2)), (WorkflowPhase?)(random.Next(2) == 0 ? WorkflowPhase.DevOps : null), random.Next(2));
                tape.AddStarted(random.Next(1_000), phase, round, now);
                expected.Add((now, phase?.Name, round));
            }

            steps.Add(tape.Take());
        }

        steps.SelectMany(static step => step).Select(static happening => (happening.Timestamp, happening.Phase?.Name, happening.Round)).Should()
            .Equal(expected);
    }

    /// <summary>Whatever the lengths of the steps are, each has its own events, and they stay as they are.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(68)]
    [InlineData(100_000)]
    public void Take_StepsOfManyLengths_GivesEachItsOwn(int expected)
    {
        var random = new Random(expected);
        var tape = NewTape(expected);
        tape.Continue(lastPosition: 10);
        List<EventBatch> steps = [];
        var last = 10L;
        for (var step = 0; step < 200; step++)
        {
            for (var left = step == 100 ? 5_000 : random.Next(0, 40); left > 0; left--)
            {
                tape.NextPosition.Should().Be(++last);
                tape.AddStarted((int)last, WorkflowPhase.DevOps, round: 0, DateTimeOffset.UnixEpoch);
            }

            steps.Add(tape.Take());
            tape.IsEmpty.Should().BeTrue();
        }

        steps.SelectMany(static step => step).Select(static happening => (happening.Position, happening.TaskId)).Should().Equal(
            Enumerable.Range(11, (int)last - 10).Select(static position => ((long)position, (string?)$"task-{position}")));
    }

    private static EventTape NewTape(int expected = 10)
    {
        var definition = new WorkflowDefinition { Name = "tape",
            Tasks = [.. Enumerable.Range(0, 20_000).Select(static number => new TaskDefinition { Id = $"task-{number}", AgentType = AgentType.Coding })] };
        return new EventTape(Run, definition, expected);
    }

    private static WorkflowEvent Frame(string? phase, int round, int hours) =>
        _any
            with { Position = 1, Phase = phase is null ? null : new WorkflowPhase(phase), Round = round, Timestamp = _now.ToOffset(TimeSpan.FromHours(hours)) };

    private static void ShouldRead(EventTape tape, WorkflowEvent expected)
    {
        var read = tape.Take().Should().ContainSingle().Subject;
        read.Should().Be(expected);
        read.Timestamp.Offset.Should().Be(expected.Timestamp.Offset, "times are equal whatever their offset is");
    }
}
