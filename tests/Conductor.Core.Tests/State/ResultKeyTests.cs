using Conductor.State;

namespace Conductor.Tests.State;

public sealed class ResultKeyTests
{
    public static TheoryData<string?, string, int> Executions => new()
    {
        { null, "task", 0 },
        { null, EntityId.New(), 0 },
        { "run", "task", 2 },
        { "run", EntityId.New(), 1 },
    };

    [Theory]
    [MemberData(nameof(Executions))]
    public void Of_AnyExecution_ReadsTheSame(string? workflowId, string taskId, int round)
    {
        var execution = new ExecutionKey(workflowId, taskId, round);

        ResultKey.Of(execution).ToExecutionKey().Should().Be(execution);
    }

    [Theory]
    [MemberData(nameof(Executions))]
    public void Equals_SameExecution_WhicheverTextItsIdIs(string? workflowId, string taskId, int round)
    {
        var (one, same) = (Key(workflowId, taskId, round), Key(workflowId, new string(taskId.AsSpan()), round));

        one.Should().Be(same);
        one.GetHashCode().Should().Be(same.GetHashCode());
    }

    [Theory]
    [MemberData(nameof(Executions))]
    public void Equals_AnotherExecution_IsFalse(string? workflowId, string taskId, int round)
    {
        var one = Key(workflowId, taskId, round);

        one.Should().NotBe(Key(workflowId, taskId, round + 1));
        one.Should().NotBe(Key("another", taskId, round));
        one.Should().NotBe(Key(workflowId, EntityId.New(), round));
        one.Should().NotBe(Key(workflowId, taskId + "x", round));
    }

    private static ResultKey Key(string? workflowId, string taskId, int round) => ResultKey.Of(new ExecutionKey(workflowId, taskId, round));
}
