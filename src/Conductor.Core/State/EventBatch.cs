using System.Collections;

namespace Conductor.State;

/// <summary>
/// The events of one step of a run, packed. The store in memory takes them over as they are; whoever reads them as events has them put together.
/// Immutable.
/// </summary>
/// <param name="workflowId">The run.</param>
/// <param name="firstPosition">The position of the first of them; the others follow one by one.</param>
/// <param name="packed">The events.</param>
internal sealed class EventBatch(string workflowId, long firstPosition, ReadOnlyMemory<RetainedEvent> packed) : IReadOnlyList<WorkflowEvent>
{
    public int Count => packed.Length;

    public ReadOnlyMemory<RetainedEvent> Packed => packed;

    public long LastPosition => firstPosition + Count - 1;

    public WorkflowEvent this[int index] => packed.Span[index].ToEvent(workflowId, firstPosition + index);

    /// <summary>The events of a step, whoever made it.</summary>
    public static EventBatch Of(string workflowId, IReadOnlyList<WorkflowEvent> events) => events as EventBatch ?? Pack(workflowId, events);

    public IEnumerator<WorkflowEvent> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static EventBatch Pack(string workflowId, IReadOnlyList<WorkflowEvent> events)
    {
        var packed = new RetainedEvent[events.Count];
        var first = packed.Length == 0 ? 0 : events[0].Position;
        for (var i = 0; i < packed.Length; i++)
        {
            packed[i] = new RetainedEvent(events[i], workflowId, first + i);
        }

        return new EventBatch(workflowId, first, packed);
    }
}
