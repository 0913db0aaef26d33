using Conductor.Workflows;
using CsCheck;

namespace Conductor.Tests.Workflows;

public sealed class ReadyTasksTests
{
    private const int Window = 3;

    /// <summary>Of the last type.</summary>
    private const int Agents = 5;

    private static readonly AgentType[] _types = [AgentType.Coding, AgentType.Review, new AgentType("other")];

    /// <summary>
    /// Of each type the most urgent comes first, in the definition's order, and no more than the window allows, or there are agents; nothing that may be
    /// taken is left.
    /// </summary>
    [Fact]
    public void TryTake_WhateverIsReadyAndUnderWay_GivesTheMostUrgentOfAType() => Gen.Select(
        Gen.Select(Gen.Int[0, _types.Length - 1], Gen.Enum<TaskPriority>()).Array[1, 150],
        Gen.Int[0, 10_000].Array[1, 400]).Sample(static (drawn, steps) =>
    {
        var definition = new WorkflowDefinition
        {
            Name = "drawn",
            Tasks = [.. drawn.Select(static (task, index) => new TaskDefinition
            {
                Id = $"{index}",
                AgentType = _types[task.Item1],
                Priority = task.Item2,
                Phase = WorkflowPhase.Development,
            })],
        };
        var ready = new ReadyTasks(WorkflowPlan.Of(definition), Window, TurnstileTests.Of(100, agentsOf: static type => type == _types[^1] ? Agents : 1));
        var unseen = new Queue<int>(Enumerable.Range(0, drawn.Length).OrderBy(index => steps[index % steps.Length]));
        var waiting = new List<int>();
        var underWay = new List<int>();
        foreach (var step in steps)
        {
            if (step % 3 == 0 && unseen.TryDequeue(out var added))
            {
                ready.Add(added);
                waiting.Add(added);
            }
            else if (step % 3 == 1 && underWay.Count > 0)
            {
                var over = underWay[step % underWay.Count];
                underWay.Remove(over);
                ready.Finished(over);
            }
            else if (ready.TryTake(out var taken))
            {
                taken.Should().Be(
                    waiting.Where(index => drawn[index].Item1 == drawn[taken].Item1).OrderByDescending(index => drawn[index].Item2)
                    .ThenBy(static index => index).First());
                waiting.Remove(taken);
                underWay.Add(taken);
                underWay.Count(index => drawn[index].Item1 == drawn[taken].Item1).Should().BeLessThanOrEqualTo(MostOf(drawn[taken].Item1));
            }
            else
            {
                waiting.Should().NotContain(
                    index => underWay.Count(other => drawn[other].Item1 == drawn[index].Item1) < MostOf(drawn[index].Item1));
            }

            ready.Count.Should().Be(waiting.Count);
        }
    });

    private static int MostOf(int type) => type == _types.Length - 1 ? Agents : Window;
}
