using Conductor.State;

namespace Conductor.Workflows;

/// <summary>Moves a run in progress to another definition, as the user's function says; or refuses, and says what is different. Thread-safe.</summary>
internal sealed class RunMigration(
    WorkflowServices services,
    Func<string, CancellationToken, ValueTask<HeldLease?>> acquire,
    Func<WorkflowPlan, RunSnapshot, HeldLease, WorkflowRunOptions, string, ValueTask<WorkflowRunner>> resume,
    Func<WorkflowPlan, RunSnapshot, HeldLease, string, ValueTask<bool>> leave)
{
    /// <summary>How long a drain takes before the log says what it may wait for.</summary>
    private static readonly TimeSpan _quietFor = TimeSpan.FromSeconds(10);

    /// <summary>Moves a run to another definition. When this returns, it goes on, here or with others, unless it is over: then it stays as it ended.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="plan">What it is to go on with.</param>
    /// <param name="settings">How.</param>
    /// <param name="cancellationToken">
    /// Gives up. Once a run of this engine is drained for it, that is first waited for, and then the run goes on as it was: nobody else would look after it.
    /// </param>
    public async Task MigrateAsync(WorkflowState state, WorkflowPlan plan, WorkflowRunOptions settings, CancellationToken cancellationToken)
    {
        if (state.IsComplete && settings.Migrate is not null)
        {
            // The same lines start it in every life of a program, also in those after its end.
            return;
        }

        var stored = await services.Reader.GetDefinitionAsync(state.WorkflowId, cancellationToken).ConfigureAwait(false);
        if (stored is null || settings.Migrate is not { } migrate)
        {
            throw Refused(state, stored, plan);
        }

        if (services.Coordinator.FindTask(state.WorkflowId, cancellationToken) is { } taskId)
        {
            throw WaitsForItself(state.WorkflowId, taskId);
        }

        if (!services.Migrating.TryAdd(state.WorkflowId, true))
        {
            throw InUse(state.WorkflowId, "is being migrated by another caller");
        }

        // A run of this engine is drained first: what runs finishes, and is not begun again.
        var here = services.Runners.GetValueOrDefault(state.WorkflowId);
        try
        {
            await (here is null ? Task.CompletedTask : DrainAsync(here)).ConfigureAwait(false);
            await MigrateStoppedAsync(stored, plan, settings, migrate, state.WorkflowId, here, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // In this order: whoever awaits the run may go on within its end, and with the run.
            services.Migrating.TryRemove(state.WorkflowId, out _);
            here?.EndUnlessItGoesOn();
        }
    }

    private async ValueTask MigrateStoppedAsync(
        WorkflowDefinition stored,
        WorkflowPlan plan,
        WorkflowRunOptions settings,
        Func<WorkflowMigration, WorkflowDefinition> migrate,
        string runId,
        WorkflowRunner? here,
        CancellationToken cancellationToken)
    {
        var lease = await acquire(runId, here is null ? cancellationToken : CancellationToken.None).ConfigureAwait(false)
            ?? throw InUse(runId, "is in progress in another process");
        try
        {
            await GoOnAsync(stored, plan, lease, settings, migrate, runId, here, cancellationToken).ConfigureAwait(false);
        }
        catch when (!services.Runners.ContainsKey(runId))
        {
            // (What goes on as it was needs it.)
            await services.ReleaseAsync(lease.Current).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A drain takes as long as the tasks that run; one of them may be waiting for it, which only its token would tell.</summary>
    private async Task DrainAsync(WorkflowRunner runner)
    {
        var drained = runner.DrainAsync();
        try
        {
            await drained.WaitAsync(_quietFor, services.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Log.MigrationWaits(services.Logger, runner.RunId, _quietFor);
            await drained.ConfigureAwait(false);
        }
    }

    private static StateException WaitsForItself(string runId, string taskId) => new(
        ErrorCodes.StateConflict,
        $"Task '{taskId}' of run '{runId}' asked for its own run to go on with another definition (WorkflowRunOptions.Migrate). The run would " +
            "first be drained, so the task would wait for its own end. " +
        "Migrate the run from outside, or start another run.")
    {
        Key = StateManager.WorkflowKey(runId),
        IsTransient = false,
    };

    private static StateException InUse(string runId, string how) => new(
        ErrorCodes.StateConflict, $"Run '{runId}' {how}, so it cannot go on with another definition now. Stop that first, or wait until the run has ended.")
    {
        Key = StateManager.WorkflowKey(runId),
        IsTransient = true,
    };

    private static WorkflowValidationException Refused(WorkflowState state, WorkflowDefinition? stored, WorkflowPlan plan)
    {
        var definition = plan.Definition;
        var problem =
            $"Run '{state.WorkflowId}' exists and runs workflow '{state.DefinitionName}' version '{state.DefinitionVersion}' (hash {state.DefinitionHash}); " +
            $"this is '{definition.Name}' version '{definition.Version}' (hash {plan.Hash}). Start it under another id, or " +
            (state.IsComplete ? "set WorkflowRunOptions.Migrate to have it as it ended." : "say how it goes on by WorkflowRunOptions.Migrate.");
        return WorkflowValidationException.OfRun(
            state.WorkflowId,
            definition.Name,
            [problem, .. stored is null ? [] : DefinitionDifference.Between(stored, definition).Select(static line => $"Different: {line}.")]);
    }

    private static List<string> TooLate(WorkflowPlan plan, int currentPhase, WorkflowState state) =>
        [.. plan.Definition.Tasks.Where(
            (task, index) => plan.PhaseOf[index] < currentPhase && !state.TaskResults.ContainsKey(task.Id)).Select(static task => $"'{task.Id}'")];

    private async ValueTask GoOnAsync(
        WorkflowDefinition stored,
        WorkflowPlan plan,
        HeldLease lease,
        WorkflowRunOptions settings,
        Func<WorkflowMigration, WorkflowDefinition> migrate,
        string runId,
        WorkflowRunner? here,
        CancellationToken cancellationToken)
    {
        if (await RunSnapshot.ReadAsync(services.Reader, runId, CancellationToken.None).ConfigureAwait(false) is not { } snapshot)
        {
            // It ended meanwhile.
            await services.ReleaseAsync(lease.Current).ConfigureAwait(false);
            return;
        }

        WorkflowPlan nextPlan;
        RunSnapshot next;
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            nextPlan = NextPlan(stored, plan, snapshot, migrate, runId);
            next = await snapshot.MigratedAsync(services.Reader, stored, nextPlan).ConfigureAwait(false);
            EnsureGoesOn(nextPlan, next.State);
        }
        catch when (here is not null)
        {
            // It was only stopped for this: it goes on as it is, and for whoever listened to it.
            here.GoOnAs(await resume(WorkflowPlan.Of(stored), snapshot, lease, new WorkflowRunOptions(), "not migrated").ConfigureAwait(false));
            throw;
        }

        var message = $"migrated from version '{stored.Version}' to '{nextPlan.Definition.Version}'";
        if (here is not null || !await leave(nextPlan, next, lease, message).ConfigureAwait(false))
        {
            var heir = await resume(nextPlan, next, lease, settings, message).ConfigureAwait(false);
            here?.GoOnAs(heir);
        }
    }

    /// <summary>What the user's function makes of it.</summary>
    private WorkflowPlan NextPlan(
        WorkflowDefinition stored, WorkflowPlan plan, RunSnapshot snapshot, Func<WorkflowMigration, WorkflowDefinition> migrate, string runId)
    {
        var next = migrate(new WorkflowMigration
        {
            State = snapshot.State,
            From = stored,
            To = plan.Definition,
            Differences = DefinitionDifference.Between(stored, plan.Definition),
        }) ?? throw new InvalidOperationException($"WorkflowRunOptions.{nameof(WorkflowRunOptions.Migrate)} gave no definition for run '{runId}'.");
        return WorkflowPlan.Of(next, services.Coordinator.Errors);
    }

    /// <summary>A run stays in its phase, and never goes back to one that is over.</summary>
    private static void EnsureGoesOn(WorkflowPlan plan, WorkflowState state)
    {
        if (state.CurrentPhase is not { } phase)
        {
            return;
        }

        if (plan.PhaseIndex(phase) < 0)
        {
            throw WorkflowValidationException.OfRun(
                state.WorkflowId,
                plan.Definition.Name,
                [$"Run '{state.WorkflowId}' is in phase '{phase}', which the definition that WorkflowRunOptions.Migrate gave does not have. " +
                    "Keep the phase."]);
        }

        if (TooLate(plan, plan.PhaseIndex(phase), state) is { Count: > 0 } tooLate)
        {
            throw WorkflowValidationException.OfRun(
                state.WorkflowId,
                plan.Definition.Name,
                [$"Run '{state.WorkflowId}' is in phase '{phase}', and tasks of phases before it have no result and would never run: " +
                    $"{string.Join(", ", tooLate)}. Put them into '{phase}' or a later phase."]);
        }
    }
}
