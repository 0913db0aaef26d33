namespace Conductor.Workflows;

/// <summary>
/// Tasks whose dependencies are done, by agent type: critical first, in the definition's order within a priority, and of each type no more
/// at once than the window allows. Not thread-safe: it belongs to one run's loop.
/// </summary>
internal sealed class ReadyTasks(int window)
{
    private readonly Dictionary<AgentType, Lane> _lanes = [];
    private readonly Queue<Lane> _withRoom = new();

    public int Count { get; private set; }

    public void Add(int index, TaskDefinition task)
    {
        var lane = LaneOf(task.AgentType);
        lane.Waiting.Enqueue(index, (-(int)task.Priority, index));
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
    public void Finished(AgentType type)
    {
        var lane = LaneOf(type);
        lane.InFlight--;
        Enlist(lane);
    }

    public void Clear()
    {
        foreach (var lane in _lanes.Values)
        {
            lane.Waiting.Clear();
        }

        Count = 0;
    }

    private Lane LaneOf(AgentType type)
    {
        if (!_lanes.TryGetValue(type, out var lane))
        {
            _lanes[type] = lane = new Lane();
        }

        return lane;
    }

    private void Enlist(Lane lane)
    {
        if (!lane.IsEnlisted && lane.Waiting.Count > 0 && lane.InFlight < window)
        {
            lane.IsEnlisted = true;
            _withRoom.Enqueue(lane);
        }
    }

    private sealed class Lane
    {
        public PriorityQueue<int, (int Priority, int Index)> Waiting { get; } = new();

        public int InFlight { get; set; }

        public bool IsEnlisted { get; set; }
    }
}
