using Conductor.Threading;

namespace Conductor.Workflows;

/// <summary>
/// Tasks whose dependencies are done, by agent type: critical first, in the definition's order within a priority, and of each type no more
/// at once than the window allows, or, if these are more, than there are agents of it. Not thread-safe: it belongs to one run's loop.
/// </summary>
/// <param name="plan">The run's tasks.</param>
/// <param name="window">How many of a type at once.</param>
/// <param name="turnstile">Where they pass; it knows how many agents of a type there are: none idles because a window is small.</param>
internal sealed class ReadyTasks(WorkflowPlan plan, int window, Turnstile turnstile)
{
    private readonly Lane?[] _lanes = new Lane?[plan.AgentTypeCount];
    private readonly Queue<Lane> _withRoom = new();

    public int Count { get; private set; }

    /// <summary>Where a task passes.</summary>
    public Turnstile.Line LineOf(int index) => LaneOf(index).Line;

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
            if (HasRoom(lane) && !lane.Waiting.IsEmpty)
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

    /// <summary>There may be more agents than there were.</summary>
    public void LookAgain()
    {
        foreach (var lane in _lanes)
        {
            if (lane is not null)
            {
                Enlist(lane);
            }
        }
    }

    public void Clear()
    {
        foreach (var lane in _lanes)
        {
            lane?.Waiting.Clear();
        }

        Count = 0;
    }

    private Lane LaneOf(int index) =>
        _lanes[plan.AgentTypeOf[index]] ??= new Lane(plan.RankedTasksOf[plan.AgentTypeOf[index]], turnstile.LineOf(plan.Task(index).AgentType));

    private void Enlist(Lane lane)
    {
        if (!lane.IsEnlisted && !lane.Waiting.IsEmpty && HasRoom(lane))
        {
            lane.IsEnlisted = true;
            _withRoom.Enqueue(lane);
        }
    }

    private bool HasRoom(Lane lane) => lane.InFlight < window || lane.InFlight < lane.Line.AgentCount;

    private sealed class Lane(int[] tasks, Turnstile.Line line)
    {
        public Turnstile.Line Line => line;

        /// <summary>The tasks of the type, by rank.</summary>
        public int[] Tasks => tasks;

        /// <summary>The ranks of those that wait.</summary>
        public SmallestFirst Waiting { get; } = new(tasks.Length);

        public int InFlight { get; set; }

        public bool IsEnlisted { get; set; }
    }
}
