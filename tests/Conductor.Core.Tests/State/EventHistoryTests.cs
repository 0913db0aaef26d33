using Conductor.State;

namespace Conductor.Tests.State;

public sealed class EventHistoryTests
{
    /// <summary>Whatever the lengths of the steps are and whoever made them, the newest are there, from any position on.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(5, false)]
    [InlineData(12, true)]
    [InlineData(300, true)]
    [InlineData(1_000, false)]
    [InlineData(1_000, true)]
    public void After_StepsOfManyLengths_GivesTheNewestThatAreKept(int maxEvents, bool onOneTape)
    {
        var random = new Random(maxEvents);
        var history = new EventHistory("run", maxEvents);
        var tape = new EventTape("run", definition: null, expected: 20);
        history.FirstPosition.Should().Be(0);
        history.After(0, limit: 10).Should().BeEmpty();
        var last = 0L;
        for (var step = 0; step < 300; step++)
        {
            var length = random.Next(0, 9);
            history.Add(onOneTape ? Note(tape, length) : EventBatch.Of("run", [.. Enumerable.Range(1, length).Select(i => Event(last + i))]));
            last += length;
            var first = last == 0 ? 0 : Math.Max(1, last - maxEvents + 1);
            (history.FirstPosition, history.LastPosition).Should().Be((first, last));

            var (after, limit) = (random.NextInt64(0, last + 2), random.Next(1, 30));

            var begin = Math.Max(after + 1, Math.Max(first, 1));
            history.After(after, limit).Select(static happening => happening.Position).Should().Equal(
                Enumerable.Range(0, (int)Math.Clamp(last - begin + 1, 0, limit)).Select(i => begin + i));
        }
    }

    private static EventBatch Note(EventTape tape, int length)
    {
        for (; length > 0; length--)
        {
            tape.AddOfRun(WorkflowEventKind.Warning, "text", status: null, error: null, phase: null, round: 0, DateTimeOffset.UnixEpoch);
        }

        return tape.Take();
    }

    private static WorkflowEvent Event(long position) => new()
    {
        Position = position,
        WorkflowId = "run",
        Kind = WorkflowEventKind.Warning,
        Timestamp = DateTimeOffset.UnixEpoch,
    };
}
