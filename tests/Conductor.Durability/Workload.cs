namespace Conductor.Durability;

/// <summary>What the victims run: dependencies, gates, a feedback round, retries, an optional task.</summary>
internal static class Workload
{
    public static AgentType[] AgentTypes { get; } = [AgentType.Coding, AgentType.Test, AgentType.DevOps, AgentType.Monitor];

    public static WorkflowDefinition Definition { get; } = new()
    {
        Name = "workload",
        Tasks =
        [
            Task("code-1", AgentType.Coding, fails: true),
            Task("code-2", AgentType.Coding),
            Task("code-3", AgentType.Coding),
            Task("test-1", AgentType.Test, after: "code-1") with { Phase = WorkflowPhase.Development },
            Task("test-2", AgentType.Test, after: "code-2") with { Phase = WorkflowPhase.Development },
            Task("pack", AgentType.DevOps, fails: true),
            Task("sign", AgentType.DevOps, after: "pack"),
            Task("watch", AgentType.Monitor),
        ],
        Feedback = new FeedbackRule { From = WorkflowPhase.Monitoring, To = WorkflowPhase.Development, MaxRounds = 2 },
    };

    /// <summary>One task kills its process each time; its neighbours are innocent, and one of them waits for its next attempt then.</summary>
    public static WorkflowDefinition Poison { get; } = new()
    {
        Name = "poison",
        Phases = [WorkflowPhase.Development, WorkflowPhase.DevOps],
        Tasks =
        [
            Task("neighbour-1", AgentType.Coding),
            Task("killer", AgentType.Coding) with { Metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["kills"] = "yes" } },
            Task("neighbour-2", AgentType.Coding),
            Task("resting", AgentType.Coding, fails: true) with { Retry = new RetrySettings { InitialDelay = TimeSpan.FromSeconds(3) } },
            Task("neighbour-3", AgentType.Test) with { Phase = WorkflowPhase.Development },
            Task("never", AgentType.DevOps),
        ],
    };

    public static string RunId(int number) => $"run-{number:0000}";

    private static TaskDefinition Task(string id, AgentType type, string? after = null, bool fails = false) => new()
    {
        Id = id,
        AgentType = type,
        DependsOn = after is null ? [] : [after],
        Metadata =
            fails ? new Dictionary<string, string>(StringComparer.Ordinal) { ["fails"] = "yes" } : new Dictionary<string, string>(StringComparer.Ordinal),
    };
}
