using Conductor.State;

namespace Conductor.Testing;

/// <summary>
/// What every <see cref="StateManager"/> with a <see cref="RetentionOptions.MaxAge"/> has to keep: what is older is given by no read, whether it was removed
/// already or not, and is in nobody's way.
/// </summary>
public sealed class RetentionConformance : ConformanceSuite
{
    private const string Key = "workflow:run";

    private static readonly TimeSpan _age = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan _beyond = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _term = TimeSpan.FromMinutes(1);
    private static readonly EffectKey _effect = new("task:0", "task:0", "call") { TaskId = "task" };

    private readonly Func<ConformanceEnvironment, RetentionOptions, ValueTask<StateManager>> _create;

    /// <summary>Makes the suite.</summary>
    /// <param name="create">
    /// Makes a fresh, empty store, not connected, on the clock it is given, that keeps things for as long as it is told: some seconds. When it removes them is
    /// its own affair. The suite connects and disposes it.
    /// </param>
    public RetentionConformance(Func<ConformanceEnvironment, RetentionOptions, ValueTask<StateManager>> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        _create = create;
        AddRunCases();
        AddLeaseCases();
        AddSavingCases();
        AddResultCases();
    }

    private static WorkflowTransition Step(WorkflowStatus status, string id = "run", long expectedVersion = 0) => new()
    {
        Summary = new WorkflowSummary { WorkflowId = id, DefinitionName = "definition", Status = status, StartedAt = DateTimeOffset.UnixEpoch },
        Definition = expectedVersion == 0 ? new WorkflowDefinition { Name = "definition" } : null,
        ExpectedVersion = expectedVersion,
    };

    private static TaskResult Result(string output, string? workflowId = null) =>
        new() { TaskId = "task", WorkflowId = workflowId, Status = AgentTaskStatus.Completed, Output = output };

    private static async Task FinishAsync(StateManager store, string id = "run") => await store.CommitWorkflowAsync(
        Step(WorkflowStatus.Completed, id) with { Results = [Result("old", id)] }).ConfigureAwait(false);

    private static async Task CheckGivenAsync(StateManager store, bool isGiven)
    {
        var state = await store.GetWorkflowStateAsync("run").ConfigureAwait(false);
        var history = await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false);
        var definition = await store.GetWorkflowDefinitionAsync("run").ConfigureAwait(false);
        var result = await store.GetTaskResultAsync("run", "task", 0).ConfigureAwait(false);
        var listed = (await store.ListWorkflowsAsync().ConfigureAwait(false)).Items.Any(static run => run.WorkflowId == "run");
        Check.Sequence(
            Enumerable.Repeat(isGiven, 5),
            [state is not null, history is not null, definition is not null, result is not null, listed],
            "whether the state, the history, the definition, the result and the list give it");
    }

    private void Add(string name, Func<StateManager, ConformanceEnvironment, Task> run) =>
        AddOfStore(name, environment => _create(environment, new RetentionOptions { MaxAge = _age }), run);

    private void AddRunCases()
    {
        Add("A finished run beyond its age is given by no read, and the others are", async (store, environment) =>
        {
            await FinishAsync(store).ConfigureAwait(false);
            await store.CommitWorkflowAsync(Step(WorkflowStatus.InProgress, "other")).ConfigureAwait(false);
            await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            await CheckGivenAsync(store, isGiven: false).ConfigureAwait(false);
            var others = (await store.ListWorkflowsAsync().ConfigureAwait(false)).Items;
            Check.Sequence(["other"], others.Select(static run => run.WorkflowId), "the runs listed");
        });
        Add("A finished run of less than its age is given", async (store, environment) =>
        {
            await FinishAsync(store).ConfigureAwait(false);
            await environment.PassTimeAsync(_age / 2).ConfigureAwait(false);
            await CheckGivenAsync(store, isGiven: true).ConfigureAwait(false);
        });
        Add("A run in progress of any age is given", async (store, environment) =>
        {
            await store.CommitWorkflowAsync(Step(WorkflowStatus.InProgress) with { Results = [Result("done", "run")] }).ConfigureAwait(false);
            await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            await CheckGivenAsync(store, isGiven: true).ConfigureAwait(false);
        });
        Add("The wish to cancel a run that is beyond its age is gone with it", async (store, environment) =>
        {
            await store.CommitWorkflowAsync(Step(WorkflowStatus.InProgress)).ConfigureAwait(false);
            await store.RequestCancellationAsync("run").ConfigureAwait(false);
            await store.CommitWorkflowAsync(Step(WorkflowStatus.Cancelled, expectedVersion: 1)).ConfigureAwait(false);
            Check.True(await store.IsCancellationRequestedAsync("run").ConfigureAwait(false), "the wish to be there");
            await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            Check.True(!await store.IsCancellationRequestedAsync("run").ConfigureAwait(false), "the wish to be gone");
        });
    }

    private void AddLeaseCases()
    {
        Add("A finished run beyond its age is given as long as the lease is held that it ended under", async (store, environment) =>
        {
            var lease = Check.NotNull(await store.Leases.TryAcquireAsync(Key, "owner", _term).ConfigureAwait(false), "the lease");
            await FinishAsync(store).ConfigureAwait(false);
            await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            await CheckGivenAsync(store, isGiven: true).ConfigureAwait(false);
            await store.Leases.ReleaseAsync(lease).ConfigureAwait(false);
            await CheckGivenAsync(store, isGiven: false).ConfigureAwait(false);
        });
        Add("A finished run beyond its age is not given under a lease that somebody took since", async (store, environment) =>
        {
            await store.Leases.TryAcquireAsync(Key, "owner", _age / 2).ConfigureAwait(false);
            await FinishAsync(store).ConfigureAwait(false);
            await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            var lease = await store.Leases.TryAcquireAsync(Key, "other", _term).ConfigureAwait(false);
            await CheckTakenAnewAsync(store, lease).ConfigureAwait(false);
        });
        Add("A finished run beyond its age is not given under a lease that somebody took over", async (store, environment) =>
        {
            var silent = Check.NotNull(await store.Leases.TryAcquireAsync(Key, "owner", _term).ConfigureAwait(false), "the first lease");
            await FinishAsync(store).ConfigureAwait(false);
            await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            var lease = await store.Leases.TryTakeOverAsync(silent, "other", _term).ConfigureAwait(false);
            await CheckTakenAnewAsync(store, lease).ConfigureAwait(false);
        });
    }

    /// <summary>Whoever takes the lease starts the run anew: what was is not to be taken for that.</summary>
    private static async Task CheckTakenAnewAsync(StateManager store, Lease? taken)
    {
        var lease = Check.NotNull(taken, "the second lease");
        await CheckGivenAsync(store, isGiven: false).ConfigureAwait(false);
        Check.NotNull(await store.Leases.TryRenewAsync(lease, _term).ConfigureAwait(false), "the renewed lease");
        var begun = Step(WorkflowStatus.InProgress) with { Lease = lease };
        Check.Equal(1, await store.CommitWorkflowAsync(begun).ConfigureAwait(false), "the version after the first step of the new run");
        Check.Null(await store.GetTaskResultAsync("run", "task", 0).ConfigureAwait(false), "the result in the new run");
    }

    private void AddSavingCases()
    {
        Add("A result is not saved to a finished run beyond its age, but before the next", async (store, environment) =>
        {
            await FinishAsync(store).ConfigureAwait(false);
            await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            Check.Equal(RecordOutcome.Recorded, await store.SaveTaskResultAsync(Result("new", "run")).ConfigureAwait(false), "the outcome");
            Check.Equal(
                "new", (await store.GetTaskResultAsync("run", "task", 0).ConfigureAwait(false))?.Output.Get<string>(), "the output of the result");
        });
        Add("The state of a run takes the place of one beyond its age", async (store, environment) =>
        {
            await FinishAsync(store).ConfigureAwait(false);
            await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            var state = new WorkflowState { WorkflowId = "run", DefinitionName = "new", Status = WorkflowStatus.InProgress };
            Check.Equal(1, await store.SaveWorkflowStateAsync(state, StateExpectation.Any).ConfigureAwait(false), "the version");
            Check.Null(await store.GetWorkflowDefinitionAsync("run").ConfigureAwait(false), "the definition");
            Check.Null(await store.GetTaskResultAsync("run", "task", 0).ConfigureAwait(false), "the result");
        });
        Add("A finished run beyond its age has no version to go on from", async (store, environment) =>
        {
            await FinishAsync(store).ConfigureAwait(false);
            await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            var state = new WorkflowState { WorkflowId = "run", DefinitionName = "new", Status = WorkflowStatus.InProgress };
            await Check.FailsAsync(
                ErrorCodes.StateConflict, () => store.SaveWorkflowStateAsync(state, StateExpectation.AtVersion(1)).AsTask(), "saving its state")
                .ConfigureAwait(false);
            await Check.FailsAsync(
                ErrorCodes.StateConflict, () => store.CommitWorkflowAsync(Step(WorkflowStatus.InProgress, expectedVersion: 1)).AsTask(), "its next step")
                .ConfigureAwait(false);
        });
    }

    private void AddResultCases()
    {
        Add("A result beyond its age is not given, and another is recorded in its place", async (store, environment) =>
        {
            await store.SaveTaskResultAsync(Result("old")).ConfigureAwait(false);
            await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            Check.Null(await store.GetTaskResultAsync("task").ConfigureAwait(false), "the result");
            Check.Equal(RecordOutcome.Recorded, await store.SaveTaskResultAsync(Result("new")).ConfigureAwait(false), "the first outcome");
            Check.Equal("new", (await store.GetTaskResultAsync("task").ConfigureAwait(false))?.Output.Get<string>(), "the output of the result");
            Check.Equal(RecordOutcome.AlreadyRecorded, await store.SaveTaskResultAsync(Result("newer")).ConfigureAwait(false), "the second outcome");
        });
        Add("Effects of a result beyond its age are recorded anew, each time", async (store, environment) =>
        {
            for (var life = 1; life <= 2; life++)
            {
                Check.Null(await store.Effects.GetAsync(_effect).ConfigureAwait(false), "the value");
                foreach (var value in (string[])[$"{life}", "late"])
                {
                    Check.Equal(
                        $"{life}", (await store.Effects.RecordAsync(_effect, value).ConfigureAwait(false)).Get<string>(), $"what recording '{value}' gave");
                }

                await store.SaveTaskResultAsync(Result($"{life}")).ConfigureAwait(false);
                Check.Equal($"{life}", (await store.Effects.GetAsync(_effect).ConfigureAwait(false))?.Get<string>(), "the value beside the result");
                await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            }
        });
        Add("Effects of a result beyond its age are given as long as there is a dead letter of their execution", async (store, environment) =>
        {
            var letter = new ErrorRecord
            {
                Id = "letter", Code = "CODE", Message = "message", Timestamp = DateTimeOffset.UnixEpoch, IdempotencyKey = _effect.IdempotencyKey,
            };
            await store.Effects.RecordAsync(_effect, "first").ConfigureAwait(false);
            await store.SaveDeadLetterAsync(letter).ConfigureAwait(false);
            await store.SaveTaskResultAsync(Result("old")).ConfigureAwait(false);
            await environment.PassTimeAsync(_beyond).ConfigureAwait(false);
            Check.Equal("first", (await store.Effects.GetAsync(_effect).ConfigureAwait(false))?.Get<string>(), "the value that a replay reads");
            Check.Equal("first", (await store.Effects.RecordAsync(_effect, "second").ConfigureAwait(false)).Get<string>(), "what the second recorder got");
            await store.DeleteDeadLetterAsync(letter.Id).ConfigureAwait(false);
            Check.Equal("third", (await store.Effects.RecordAsync(_effect, "third").ConfigureAwait(false)).Get<string>(), "what the third recorder got");
        });
    }
}
