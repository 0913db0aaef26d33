namespace Conductor.Sqlite.Tests;

/// <summary>What tests save.</summary>
internal static class Records
{
    public static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static WorkflowSummary Summary(string id, WorkflowStatus status = WorkflowStatus.InProgress, DateTimeOffset? endedAt = null) => new()
    {
        WorkflowId = id,
        DefinitionName = "definition",
        Status = status,
        StartedAt = Start,
        CompletedAt = endedAt,
    };

    public static TaskResult Result(string taskId, string? workflowId = null, string output = "output") => new()
    {
        TaskId = taskId,
        WorkflowId = workflowId,
        Status = AgentTaskStatus.Completed,
        Output = output,
    };

    public static WorkflowTransition Step(
        string id, long version, WorkflowStatus status = WorkflowStatus.InProgress, DateTimeOffset? endedAt = null, int results = 1) => new()
    {
        Summary = Summary(id, status, endedAt),
        ExpectedVersion = version,
        Definition = version == 0 ? new WorkflowDefinition { Name = "definition" } : null,
        Results = [.. Enumerable.Range(0, results).Select(number => Result($"t{version}-{number}", id, new string('x', 200)))],
        Phases = [new PhaseRecord { Phase = WorkflowPhase.Development }],
        NewAgents = [$"a{version}"],
        Log = [new WorkflowLogEntry { Timestamp = Start, Error = new TaskError { Code = "C", Message = "m" } }],
        Events = [new WorkflowEvent { Position = version + 1, WorkflowId = id, Kind = WorkflowEventKind.TaskFinished, Timestamp = Start }],
    };

    public static ErrorRecord Letter(string id) => new() { Id = id, Code = "CODE", Message = "message", Timestamp = Start };
}
