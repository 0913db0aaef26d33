using Conductor.State;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

public sealed class EventTapeTests
{
    /// <summary>Whatever the lengths of the steps are, each has its own events, and they stay as they are.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(68)]
    [InlineData(100_000)]
    public void Take_StepsOfManyLengths_GivesEachItsOwn(int expected)
    {
        var random = new Random(expected);
        var tape = new EventTape("run", expected);
        tape.Continue(lastPosition: 10);
        List<EventBatch> steps = [];
        var last = 10L;
        for (var step = 0; step < 200; step++)
        {
            for (var left = step == 100 ? 5_000 : random.Next(0, 40); left > 0; left--)
            {
                tape.NextPosition.Should().Be(++last);
                tape.Add(RetainedEvent.Started($"task-{last}", WorkflowPhase.DevOps, round: 0, DateTimeOffset.UnixEpoch));
            }

            steps.Add(tape.Take());
            tape.IsEmpty.Should().BeTrue();
        }

        steps.SelectMany(static step => step).Select(static happening => (happening.Position, happening.TaskId)).Should().Equal(
            Enumerable.Range(11, (int)last - 10).Select(static position => ((long)position, (string?)$"task-{position}")));
    }
}
