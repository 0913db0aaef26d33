namespace Conductor.Workflows;

/// <summary>How far a run is. Immutable.</summary>
public sealed record WorkflowProgress
{
    /// <summary>The run.</summary>
    public required string WorkflowId { get; init; }

    /// <summary>Where it stands.</summary>
    public WorkflowStatus Status { get; init; }

    /// <summary>The phase it is in.</summary>
    public WorkflowPhase? Phase { get; init; }

    /// <summary>The feedback round it is in.</summary>
    public int Round { get; init; }

    /// <summary>Tasks whose latest result stands, whatever it is.</summary>
    public int FinishedTasks { get; init; }

    /// <summary>Tasks handed to the coordinator and not finished.</summary>
    public int TasksInFlight { get; init; }

    /// <summary>Tasks of the definition.</summary>
    public int TotalTasks { get; init; }

    /// <summary>Finished of all tasks, 0 to 100. A feedback round makes it smaller.</summary>
    public double Percent => TotalTasks == 0 ? 100 : 100.0 * FinishedTasks / TotalTasks;
}
