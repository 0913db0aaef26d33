using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Conductor.Serialization;
using Conductor.State;

namespace Conductor.Testing;

/// <summary>
/// What every <see cref="StateManager"/> has to keep: saves of one key are atomic, a stale version or a stale lease changes nothing, a step
/// of a run commits whole or not at all, the first result wins, reads never alias, lists come in pages that cover everything once.
/// </summary>
/// <remarks>Its leases and effects have suites of their own: <see cref="LeaseStoreConformance"/> and <see cref="EffectStoreConformance"/>;
/// so has what it keeps for a certain time: <see cref="RetentionConformance"/>.</remarks>
public sealed partial class StateManagerConformance : ConformanceSuite
{
    private readonly Func<ConformanceEnvironment, ValueTask<StateManager>> _create;

    /// <summary>Makes the suite.</summary>
    /// <param name="create">
    /// Makes a fresh, empty store, not connected, on the clock it is given. The suite connects and disposes it.
    /// </param>
    public StateManagerConformance(Func<ConformanceEnvironment, ValueTask<StateManager>> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        _create = create;
        AddConnectionCases();
        AddAgentCases();
        AddWorkflowCases();
        AddListCases();
        AddTransitionCases();
        AddLeaseCases();
        AddRecoveryCases();
        AddResultCases();
        AddHistoryCases();
        AddDeadLetterCases();
        AddAliasCases();
        AddNamelessCases();
        AddWholeCases();
        AddRaceCases();
        AddIdCases();
    }

    private static readonly PageRequest _unreadable = new() { ContinuationToken = "of no list" };

    private static DateTimeOffset Start { get; } = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private void Add(string name, Func<StateManager, ConformanceEnvironment, Task> run) => AddOfStore(name, _create, run);

    private void Add(string name, Func<StateManager, Task> run) => Add(name, (store, _) => run(store));

    private static AgentState Agent(string id, long completed = 0) => new()
    {
        AgentId = id,
        AgentType = AgentType.Coding,
        Status = AgentStatus.Running,
        CurrentTaskId = "t",
        CompletedTasks = completed,
        FailedTasks = 2,
        ErrorCount = 3,
        LastHeartbeatAt = Start,
        CreatedAt = Start,
        UpdatedAt = Start,
        Metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["note"] = "välue" },
    };

    private static WorkflowSummary Summary(string id = "run", WorkflowStatus status = WorkflowStatus.InProgress, DateTimeOffset? startedAt = null) => new()
    {
        WorkflowId = id,
        DefinitionName = "definition",
        DefinitionVersion = "7",
        DefinitionHash = "hash",
        Status = status,
        CurrentPhase = WorkflowPhase.DevOps,
        Round = 1,
        TaskCount = 3,
        StartedAt = startedAt ?? Start,
        CompletedAt = status is WorkflowStatus.Completed or WorkflowStatus.Failed or WorkflowStatus.Cancelled ? Start.AddMinutes(1) : null,
        Metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["note"] = "value" },
    };

    private static WorkflowState State(string id = "run", WorkflowStatus status = WorkflowStatus.InProgress, DateTimeOffset? startedAt = null) =>
        Summary(id, status, startedAt).ToState(
            [new PhaseRecord { Phase = WorkflowPhase.Development, StartedAt = Start, Outcome = PhaseOutcome.Passed, CompletedTasks = 1 }],
            new Dictionary<string, TaskResult>(StringComparer.Ordinal) { ["t1"] = Result("t1", id) },
            [new FeedbackRound { Round = 1, From = WorkflowPhase.Monitoring, To = WorkflowPhase.Development, StartedAt = Start }],
            [new WorkflowLogEntry { Timestamp = Start, Error = new TaskError { Code = "CODE", Message = "message" }, TaskId = "t1" }],
            ["a1", "a2"],
            [new TaskRedelivery { TaskId = "t2", Round = 1, Crashes = 2 }]);

    private static TaskResult Result(string taskId, string? workflowId = null, int round = 0, string output = "output") => new()
    {
        TaskId = taskId,
        WorkflowId = workflowId,
        Round = round,
        AgentId = "agent",
        Status = AgentTaskStatus.Completed,
        Output = output,
        Attempts = 2,
        StartedAt = Start,
        CompletedAt = Start.AddSeconds(2),
        Duration = TimeSpan.FromSeconds(2),
    };

    private static WorkflowTransition Step(long expectedVersion, WorkflowSummary? summary = null, Lease? lease = null) => new()
    {
        Summary = summary ?? Summary(),
        ExpectedVersion = expectedVersion,
        Lease = lease,
    };

    private static WorkflowEvent Event(long position, string id = "run") => new()
    {
        Position = position,
        WorkflowId = id,
        Kind = WorkflowEventKind.TaskFinished,
        Timestamp = Start.AddSeconds(position),
        TaskId = $"t{position}",
    };

    /// <summary>A record as text, by which what was saved and what was read are compared: its collections included.</summary>
    private static string Json<T>(T record) => JsonSerializer.Serialize(record, (JsonTypeInfo<T>)ConductorJson.Options.GetTypeInfo(typeof(T)));

    private static void Same<T>(T expected, T? found, string what)
        where T : class => Check.Equal(Json(expected), Json(Check.NotNull(found, what)), what);

    private static async Task<List<T>> AllPagesAsync<T>(Func<PageRequest, ValueTask<Page<T>>> read, int size)
    {
        var all = new List<T>();
        string? token = null;
        do
        {
            var page = await read(new PageRequest { Size = size, ContinuationToken = token }).ConfigureAwait(false);
            Check.True(page.Items.Count <= size, $"at most {size} items on a page, found {page.Items.Count}");
            all.AddRange(page.Items);
            token = page.ContinuationToken;
            Check.True(token is null || page.Items.Count > 0, "a page that goes on not to be empty");
        }
        while (token is not null && all.Count < 10_000);
        return all;
    }
}
