using System.Collections;

namespace Conductor.State;

/// <summary>
/// The events of one step of a run, packed. The store in memory takes them over as they are; whoever reads them as events has them put together.
/// Immutable and thread-safe.
/// </summary>
/// <param name="workflowId">The run.</param>
/// <param name="firstPosition">The position of the first of them; the others follow one by one.</param>
/// <param name="packed">The events.</param>
internal sealed class EventBatch(string workflowId, long firstPosition, EventStretch packed) : IReadOnlyList<WorkflowEvent>
{
    private WorkflowEvent[]? _events;

    public int Count => packed.Count;

    public EventStretch Packed => packed;

    public long LastPosition => firstPosition + Count - 1;

    /// <summary>Put together when they are first asked for, all at once: what each says depends on those before it.</summary>
    private WorkflowEvent[] Events => _events ??= Unpack();

    public WorkflowEvent this[int index] => Events[index];

    /// <summary>The events of a step, whoever made it.</summary>
    public static EventBatch Of(string workflowId, IReadOnlyList<WorkflowEvent> events) => events as EventBatch ?? Pack(workflowId, events);

    public IEnumerator<WorkflowEvent> GetEnumerator() => Events.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>What somebody else than a run's loop made is kept as it is.</summary>
    private static EventBatch Pack(string workflowId, IReadOnlyList<WorkflowEvent> events)
    {
        var tape = new EventTape(workflowId, definition: null, events.Count);
        tape.Continue(events.Count == 0 ? 0 : events[0].Position - 1);
        foreach (var happening in events)
        {
            tape.AddWhole(happening);
        }

        return tape.Take();
    }

    private WorkflowEvent[] Unpack()
    {
        var events = new WorkflowEvent[Count];
        var reader = packed.Read();
        for (var i = 0; i < events.Length; i++)
        {
            reader.Advance();
            events[i] = reader.ToEvent(workflowId, firstPosition + i);
        }

        return events;
    }
}
