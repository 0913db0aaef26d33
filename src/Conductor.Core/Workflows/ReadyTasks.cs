namespace Conductor.Workflows;

/// <summary>
/// Tasks whose dependencies are done, by agent type: critical first, in the definition's order within a priority, and of each type no more
/// at once than the window allows. Not thread-safe: it belongs to one run's loop.
/// </summary>
internal sealed class ReadyTasks(WorkflowPlan plan, int window)
{
    /// <summary>Waiting tasks of a type for which there is room from the start; more make room as they come.</summary>
    private const int Few = 16;

    private readonly Lane?[] _lanes = new Lane?[plan.AgentTypeCount];
    private readonly Queue<Lane> _withRoom = new();

    public int Count { get; private set; }

    public void Add(int index)
    {
        var lane = LaneOf(index);
        lane.Waiting.Enqueue(index, plan.RankOf[index]);
        Count++;
        Enlist(lane);
    }

    /// <summary>Takes a task that may be handed over now.</summary>
    public bool TryTake(out int index)
    {
        while (_withRoom.TryPeek(out var lane))
        {
            if (lane.InFlight < window && lane.Waiting.TryDequeue(out index, out _))
            {
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

    private Lane LaneOf(int index) => _lanes[plan.AgentTypeOf[index]] ??= new Lane(Math.Min(plan.TaskCount, Few));

    private void Enlist(Lane lane)
    {
        if (!lane.IsEnlisted && lane.Waiting.Count > 0 && lane.InFlight < window)
        {
            lane.IsEnlisted = true;
            _withRoom.Enqueue(lane);
        }
    }

    private sealed class Lane(int room)
    {
        public PriorityQueue<int, int> Waiting { get; } = new(room);

        public int InFlight { get; set; }

        public bool IsEnlisted { get; set; }
    }
}
