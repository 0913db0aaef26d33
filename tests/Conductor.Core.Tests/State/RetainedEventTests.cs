using System.Reflection;
using System.Text.Json;
using Conductor.State;

namespace Conductor.Tests.State;

/// <summary>Whatever an event says, it says the same after it was kept.</summary>
public sealed class RetainedEventTests
{
    private const string Run = "run";
    private const long Position = 5;
    private static readonly DateTimeOffset _now = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly WorkflowEvent _started = new()
    {
        Position = Position,
        WorkflowId = Run,
        Kind = WorkflowEventKind.TaskStarted,
        Timestamp = _now,
        Phase = WorkflowPhase.DevOps,
        Round = 2,
        TaskId = "task",
        TaskStatus = AgentTaskStatus.InProgress,
    };

    private static readonly WorkflowEvent _finished = _started with
    {
        Kind = WorkflowEventKind.TaskFinished,
        AgentId = "agent",
        TaskStatus = AgentTaskStatus.Completed,
        Attempts = 3,
        Duration = TimeSpan.FromSeconds(4),
    };

    private static readonly WorkflowEvent _ofRun = new()
    {
        Position = Position,
        WorkflowId = Run,
        Kind = WorkflowEventKind.WorkflowFinished,
        Timestamp = _now,
        WorkflowStatus = WorkflowStatus.Completed,
        Message = "text",
    };

    private static readonly WorkflowEvent[] _all = [_started, _finished, _ofRun];

    public static TheoryData<string> Properties => [.. typeof(WorkflowEvent)
        .GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
        .Where(static property => property.SetMethod is not null)
        .Select(static property => property.Name)];

    [Fact]
    public void Event_IsNotKeptAsItIs_AndReadsTheSame()
    {
        foreach (var happening in _all)
        {
            Read(happening).Should().Be(happening).And.NotBeSameAs(happening, "it is put together from what is kept of it");
        }
    }

    [Theory]
    [MemberData(nameof(Properties))]
    public void Event_WithAnythingElseInAnyMember_ReadsTheSame(string name)
    {
        var property = typeof(WorkflowEvent).GetProperty(name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)!;
        foreach (var happening in _all)
        {
            foreach (var value in (object?[])[Other(property), null])
            {
                var changed = happening with { };
                property.SetValue(changed, value);

                var read = Read(changed);

                read.Should().Be(changed);
                read.Timestamp.Offset.Should().Be(changed.Timestamp.Offset);
            }
        }
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(100_000, false)]
    [InlineData(1, true)]
    public void Finished_SaysWhatTheResultSays(int attempts, bool hasError)
    {
        var error = hasError ? new TaskError { Code = "CODE", Message = "text" } : null;
        var result = new TaskResult { TaskId = "task", AgentId = "agent", Status = AgentTaskStatus.Failed, Attempts = attempts, Error = error, Duration = TimeSpan.FromSeconds(4) };

        var read = RetainedEvent.Finished(result, WorkflowPhase.DevOps, round: 2, _now, Run, Position).ToEvent(Run, Position);

        read.Should().Be(_finished with { TaskStatus = AgentTaskStatus.Failed, Attempts = attempts, Error = error });
    }

    private static WorkflowEvent Read(WorkflowEvent happening) => new RetainedEvent(happening, Run, Position).ToEvent(Run, Position);

    /// <summary>A value that none of the events has.</summary>
    private static object Other(PropertyInfo property) => (Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) switch
    {
        var type when type == typeof(string) => "other",
        var type when type == typeof(long) => 77L,
        var type when type == typeof(int) => 77,
        var type when type == typeof(double) => 77.0,
        var type when type == typeof(TimeSpan) => TimeSpan.FromDays(7),
        var type when type == typeof(DateTimeOffset) => _now.ToOffset(TimeSpan.FromHours(2)),
        var type when type == typeof(WorkflowPhase) => new WorkflowPhase("other"),
        var type when type == typeof(TaskError) => new TaskError { Code = "OTHER", Message = "other" },
        var type when type == typeof(WorkflowEventKind) => WorkflowEventKind.PhaseFinished,
        var type when type == typeof(AgentTaskStatus) => AgentTaskStatus.Blocked,
        var type when type == typeof(WorkflowStatus) => WorkflowStatus.Waiting,
        var type when type == typeof(Dictionary<string, JsonElement>) => new Dictionary<string, JsonElement> { ["new"] = JsonDocument.Parse("1").RootElement },
        var type => throw new InvalidOperationException($"Give this test a value of {type}."),
    };
}
