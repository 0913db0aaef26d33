using Conductor.Threading;

namespace Conductor.Workflows;

/// <summary>
/// Tasks whose dependencies are done, by agent type: critical first, in the definition's order within a priority, and of each type no more
/// at once than the window allows. Not thread-safe: it belongs to one run's loop.
/// </summary>
internal sealed class ReadyTasks(WorkflowPlan plan, int window)
{
    private readonly Lane?[] _lanes = new Lane?[plan.AgentTypeCount];
    private readonly Queue<Lane> _withRoom = new();

    public int Count { get; private set; }

    public void Add(int index)
    {
        var lane = LaneOf(index);
        lane.Waiting.Add(plan.RankOf[index]);
        Count++;
        Enlist(lane);
    }

    /// <summary>Takes a task that may be handed over now.</summary>
    public bool TryTake(out int index)
    {
        while (_withRoom.TryPeek(out var lane))
        {
            if (lane.InFlight < window && !lane.Waiting.IsEmpty)
            {
                index = lane.Tasks[lane.Waiting.Take()];
                lane.InFlight++;
                Count--;
                return true;
            }

            _withRoom.Dequeue();
            lane.IsEnlisted = false;
        }

        index = -1;
        return false;
    }

    /// <summary>A task that was taken is over.</summary>
    public void Finished(int index)
    {
        var lane = LaneOf(index);
        lane.InFlight--;
        Enlist(lane);
    }

    public void Clear()
    {
        foreach (var lane in _lanes)
        {
            lane?.Waiting.Clear();
        }

        Count = 0;
    }

    private Lane LaneOf(int index) => _lanes[plan.AgentTypeOf[index]] ??= new Lane(plan.RankedTasksOf[plan.AgentTypeOf[index]]);

    private void Enlist(Lane lane)
    {
        if (!lane.IsEnlisted && !lane.Waiting.IsEmpty && lane.InFlight < window)
        {
            lane.IsEnlisted = true;
            _withRoom.Enqueue(lane);
        }
    }

    private sealed class Lane(int[] tasks)
    {
        /// <summary>The tasks of the type, by rank.</summary>
        public int[] Tasks => tasks;

        /// <summary>The ranks of those that wait.</summary>
        public SmallestFirst Waiting { get; } = new(tasks.Length);

        public int InFlight { get; set; }

        public bool IsEnlisted { get; set; }
    }
}
