using Conductor.State;

namespace Conductor.Tests.State;

public sealed class RunResultsTests
{
    private static readonly WorkflowDefinition _definition = WorkflowDefinition.Create("defined")
        .Phase(WorkflowPhase.Development, static phase =>
        {
            phase.Task("a", AgentType.Coding);
            phase.Task("b", AgentType.Coding);
        })
        .Build();

    [Fact]
    public void Snapshot_StaysAsItIs_WhateverComesAfterIt()
    {
        var results = new RunResults("run", _definition);
        Add(results, "b");
        var snapshot = results.ToSnapshot();

        Add(results, "a");
        Add(results, "unknown");
        results.Remove("b");

        snapshot.Keys.Should().Equal("b");
        snapshot.Count.Should().Be(1);
        snapshot.ContainsKey("unknown").Should().BeFalse();
        snapshot["b"].TaskId.Should().Be("b");
        results.ToSnapshot().Keys.Should().Equal("a", "unknown");
    }

    [Fact]
    public void TaskThatTheDefinitionDoesNotKnow_IsKeptInThisRunAlone()
    {
        var (one, other) = (new RunResults("one", _definition), new RunResults("other", _definition));
        for (var i = 0; i < 20; i++)
        {
            Add(one, $"unknown-{i}");
        }

        one.ToSnapshot().Keys.Should().Equal(Enumerable.Range(0, 20).Select(static i => $"unknown-{i}"));
        other.Has("unknown-1", round: 0).Should().BeFalse();
        other.ToSnapshot().Should().BeEmpty();
    }

    [Fact]
    public void Snapshot_AskedTwice_GivesOneObject()
    {
        var results = new RunResults("run", _definition);
        Add(results, "a");
        var snapshot = results.ToSnapshot();

        snapshot["a"].Should().BeSameAs(snapshot.Values.Single());
        snapshot.TryGetValue("b", out _).Should().BeFalse();
        snapshot.Invoking(static map => map["b"]).Should().Throw<KeyNotFoundException>().WithMessage("*'b'*'run'*");
    }

    [Fact]
    public void Find_AnotherRound_IsNotThere()
    {
        var results = new RunResults("run", _definition);
        Add(results, "a");

        results.Find("a", round: 0).Should().NotBeNull();
        results.Find("a", round: 1).Should().BeNull();
    }

    private static void Add(RunResults results, string taskId) =>
        results.Add(taskId, new TaskResult { TaskId = taskId, WorkflowId = "run", Status = AgentTaskStatus.Completed });
}
