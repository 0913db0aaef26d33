using System.Reflection;
using System.Text.Json;
using Conductor.State;

namespace Conductor.Tests.State;

/// <summary>Whatever an event says, it says the same after it was kept.</summary>
public sealed class RetainedEventTests
{
    private const string Run = "run";
    private static readonly DateTimeOffset _now = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly TaskResult _result = new()
    {
        TaskId = "task",
        WorkflowId = Run,
        Round = 2,
        AgentId = "agent",
        Status = AgentTaskStatus.Failed,
        Error = new TaskError { Code = "CODE", Message = "text" },
        Attempts = 3,
        Duration = TimeSpan.FromSeconds(4),
    };

    private static readonly WorkflowEvent _started = new()
    {
        Position = 5,
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
        AgentId = _result.AgentId,
        TaskStatus = _result.Status,
        Attempts = _result.Attempts,
        Duration = _result.Duration,
        Error = _result.Error,
    };

    public static TheoryData<string> Properties => [.. typeof(WorkflowEvent)
        .GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
        .Where(static property => property.SetMethod is not null)
        .Select(static property => property.Name)];

    [Fact]
    public void EventOfATask_IsNotKeptAsItIs_AndReadsTheSame()
    {
        foreach (var happening in (WorkflowEvent[])[_started, _finished])
        {
            var read = new RetainedEvent(happening, Run, _result).ToEvent(Run);

            read.Should().Be(happening).And.NotBeSameAs(happening, "it is put together from what is kept anyway");
        }
    }

    [Theory]
    [MemberData(nameof(Properties))]
    public void EventOfATask_WithAnythingElseInAnyMember_ReadsTheSame(string name)
    {
        var property = typeof(WorkflowEvent).GetProperty(name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)!;
        foreach (var happening in (WorkflowEvent[])[_started, _finished])
        {
            foreach (var value in (object?[])[Other(property), null])
            {
                var changed = happening with { };
                property.SetValue(changed, value);

                new RetainedEvent(changed, Run, _result).ToEvent(Run).Should().Be(changed);
            }

            new RetainedEvent(happening, Run, result: null).ToEvent(Run).Should().Be(happening);
        }
    }

    /// <summary>A value that neither event has.</summary>
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
