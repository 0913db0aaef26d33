using Conductor.State;
using CsCheck;

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
        other.Find("unknown-1", round: 0).Should().BeNull();
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

    [Fact]
    public void TryAdd_AnotherRound_GivesTheOneBefore_TheSameRound_ChangesNothing()
    {
        var results = new RunResults("run", _definition);
        var first = Result("a", round: 0);
        results.TryAdd("a", first, out var before).Should().BeTrue();
        before.Should().BeNull();

        results.TryAdd("a", Result("a", round: 0) with { Attempts = 7 }, out _).Should().BeFalse();
        results.Find("a", round: 0).Should().BeSameAs(first);

        results.TryAdd("a", Result("a", round: 1), out before).Should().BeTrue();
        before.Should().BeSameAs(first);
        results.ToSnapshot().Should().ContainSingle().Which.Value.Round.Should().Be(1);
    }

    /// <summary>A long run keeps its results only packed: they are put together whenever somebody asks.</summary>
    [Fact]
    public void Snapshot_OfALongRun_SaysTheSame()
    {
        var definition = new WorkflowDefinition
        {
            Name = "long",
            Tasks = [.. Enumerable.Range(0,
                RunResults.MostToKeepMade + 1).Select(static number => new TaskDefinition { Id = $"{number}", AgentType = AgentType.Coding })],
        };
        var results = new RunResults("run", definition);
        var added = Result("1000", round: 2) with { AgentId = "agent", Attempts = 3 };
        results.TryAdd("1000", added, out _).Should().BeTrue();

        var snapshot = results.ToSnapshot(isLast: true);

        snapshot["1000"].Should().Be(added);
        snapshot["1000"].Should().NotBeSameAs(snapshot["1000"]);
        snapshot.Keys.Should().Equal("1000");
        results.Find("1000", round: 2).Should().Be(added);
    }

    /// <summary>Whatever is added, taken out and read in whatever order, each snapshot says what a dictionary said at its moment.</summary>
    [Fact]
    public void AddedRemovedAndRead_IsAsADictionary() => Gen.Int[0, 999].Array[1, 200].Sample(static steps =>
    {
        var definition = new WorkflowDefinition
        {
            Name = "drawn",
            Tasks = [.. Enumerable.Range(0, 20).Select(static number => new TaskDefinition { Id = $"{number}", AgentType = AgentType.Coding })],
        };
        var results = new RunResults("run", definition);
        var model = new Dictionary<string, TaskResult>(StringComparer.Ordinal);
        var snapshots = new List<(ResultMap Snapshot, Dictionary<string, TaskResult> Expected)>();
        foreach (var step in steps)
        {
            // Five of the twenty-five the definition does not know.
            var taskId = $"{step % 25}";
            switch (step / 25 % 4)
            {
                case 0:
                    model.Remove(taskId);
                    results.Remove(taskId);
                    break;
                case 1:
                    snapshots.Add((results.ToSnapshot(), new Dictionary<string, TaskResult>(model, StringComparer.Ordinal)));
                    break;
                default:
                    results.TryAdd(taskId, Result(taskId, round: 0), out _).Should().Be(model.TryAdd(taskId, Result(taskId, round: 0)));
                    break;
            }
        }

        foreach (var (snapshot, expected) in snapshots)
        {
            snapshot.Count.Should().Be(expected.Count);
            snapshot.ToDictionary(StringComparer.Ordinal).Should().Equal(expected);
            foreach (var step in steps)
            {
                var taskId = $"{step % 26}";
                snapshot.TryGetValue(taskId, out var result).Should().Be(expected.ContainsKey(taskId));
                result.Should().Be(expected.GetValueOrDefault(taskId));
                snapshot.ContainsKey(taskId).Should().Be(result is not null);
            }
        }
    }, iter: 50);

    private static void Add(RunResults results, string taskId) =>
        results.TryAdd(taskId, Result(taskId, round: 0), out _).Should().BeTrue();

    private static TaskResult Result(string taskId, int round) =>
        new() { TaskId = taskId, WorkflowId = "run", Round = round, Status = AgentTaskStatus.Completed };
}
