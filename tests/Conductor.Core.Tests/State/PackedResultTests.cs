using Conductor.State;
using Conductor.Tests.Support;

namespace Conductor.Tests.State;

/// <summary>Whatever a result says, it says the same after it was kept.</summary>
public sealed class PackedResultTests
{
    private static readonly DateTimeOffset _now = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly TaskResult _plain = new()
    {
        TaskId = "task",
        WorkflowId = "run",
        Round = 2,
        AgentId = "agent",
        Status = AgentTaskStatus.Completed,
        Output = TaskData.From(42),
        Attempts = 3,
        StartedAt = _now,
        CompletedAt = _now.AddSeconds(4),
        Duration = TimeSpan.FromSeconds(4),
    };

    public static TheoryData<string> Properties => Members.Of<TaskResult>();

    [Fact]
    public void PlainResult_IsNotKeptAsItIs_AndReadsTheSame() =>
        Read(_plain).Should().Be(_plain).And.NotBeSameAs(_plain, "only its output's value and its agent's id stay alive");

    [Theory]
    [MemberData(nameof(Properties))]
    public void Result_WithAnythingElseInAnyMember_ReadsTheSame(string name)
    {
        foreach (var changed in Members.Variants(_plain, name))
        {
            var read = Read(changed);

            read.Should().Be(changed);
            (read.StartedAt.Offset, read.CompletedAt.Offset).Should().Be((changed.StartedAt.Offset, changed.CompletedAt.Offset));
        }
    }

    [Fact]
    public void PlainResultOutsideRuns_IsNotKeptAsItIs_AndReadsTheSame()
    {
        var outside = _plain with { WorkflowId = null, Round = 0 };

        Read(outside, workflowId: null).Should().Be(outside).And.NotBeSameAs(outside);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void Result_WhoseTimesDoNotFitItsDuration_ReadsTheSame(long ticks)
    {
        var odd = _plain with { StartedAt = default, CompletedAt = default, Duration = new TimeSpan(ticks) };

        Read(odd).Should().Be(odd);
    }

    public static TheoryData<TaskData, bool> Outputs => new()
    {
        { TaskData.From(int.MinValue), true },
        { TaskData.From(true), true },
        { TaskData.From('ä'), true },
        { TaskData.From(double.NaN), true },
        { TaskData.From(ulong.MaxValue), true },
        { TaskData.From(DayOfWeek.Friday), true },
        { TaskData.From(TimeSpan.FromDays(-1)), true },
        { TaskData.From<int?>(7), true },
        { TaskData.From((1, 2)), true },
        { TaskData.From(new Padded(1, 2)), true },
        { TaskData.From((1, 2, 3)), false },
        { TaskData.From(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff")), false },
        { TaskData.From(4.25m), false },
        { TaskData.From("text"), false },
        { TaskData.From<object>(5), false },
        { TaskData.From(new ValueTuple<string>("refers to something")), false },
        { TaskData.Empty, false },
    };

    [Fact]
    public void Output_SmallValueWithBitsThatEqualityDoesNotSee_KeepsThem()
    {
        var time = new DateTime(2030, 1, 2, 3, 4, 5, DateTimeKind.Utc);

        BitConverter.DoubleToInt64Bits(Read(_plain with { Output = TaskData.From(-0.0) }).Output.Get<double>()).Should()
            .Be(BitConverter.DoubleToInt64Bits(-0.0));
        Read(_plain with { Output = TaskData.From(time) }).Output.Get<DateTime>().Kind.Should().Be(DateTimeKind.Utc);
    }

    [Theory]
    [MemberData(nameof(Outputs))]
    public void Output_SmallValue_IsKeptWithoutItsObject_AndReadsTheSame(TaskData output, bool isSmall)
    {
        var read = Read(_plain with { Output = output }).Output;

        read.Should().Be(output).And.BeOfType(output.GetType());
        ReferenceEquals(read, output).Should().Be(!isSmall);
    }

    private static TaskResult Read(TaskResult result, string? workflowId = "run")
    {
        var task = new LazyId("task");
        return new PackedResult(result, workflowId, task).ToResult(workflowId, task);
    }

    private readonly record struct Padded(byte Small, int Large);
}
