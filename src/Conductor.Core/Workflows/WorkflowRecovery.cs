using Conductor.State;

namespace Conductor.Workflows;

/// <summary>
/// Takes over runs that nobody goes on with: their owner died, gives no sign of life, or handed them over. It looks when the engine starts
/// and regularly after, and sees then, too, which runs of this engine others want cancelled. There is no leader: whoever gets the lease goes on.
/// Its scans never overlap.
/// </summary>
#pragma warning disable CA1001 // Its semaphore is not disposed: somebody may still look while the engine is, and there is nothing in it to dispose.
internal sealed class WorkflowRecovery(WorkflowServices services, Func<WorkflowPlan, RunSnapshot, HeldLease, string, ValueTask> resume)
#pragma warning restore CA1001
{
    /// <summary>
    /// Looking takes one part in so many of the time, however many runs there are; but one look in each term of a lease there is, however long the
    /// last took: the store may only have been slow once.
    /// </summary>
    private const int RestFactor = 20;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly WatchedLeases _watched = new(services.Time, services.Options.LeaseDuration);
    private readonly TriedRuns _tried = new(services.Time, services.Options.LeaseDuration, services.Coordinator.HasAgents);
    private readonly Dictionary<string, string> _toldOwners = new(StringComparer.Ordinal);
    private long _lastScanEndedAt;
    private TimeSpan _lastScanTook;

    /// <summary>Looks, unless the look before took so long that it is too early.</summary>
    public async ValueTask ScanIfRestedAsync(CancellationToken cancellationToken)
    {
        var rested = services.Time.GetElapsedTime(_lastScanEndedAt);
        if (rested < _lastScanTook * RestFactor && rested < services.Options.LeaseDuration)
        {
            return;
        }

        var startedAt = services.Time.GetTimestamp();
        await ScanAsync(cancellationToken).ConfigureAwait(false);
        _lastScanEndedAt = services.Time.GetTimestamp();
        _lastScanTook = services.Time.GetElapsedTime(startedAt, _lastScanEndedAt);
    }

    /// <summary>Looks once, and takes over what it can.</summary>
    /// <returns>How many runs were taken over.</returns>
    public async ValueTask<int> ScanAsync(CancellationToken cancellationToken)
    {
        if (!services.Coordinator.IsStarted)
        {
            // Nothing can be run here yet, or any more.
            return 0;
        }

        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Before the store is asked: what comes to be remembered meanwhile is of a run that it may not have told of.
            var remembered = _toldOwners.Keys.Concat(_tried.Ids).Concat(services.LostFences.Keys).Concat(services.LeftSince.Keys)
                .Concat(services.Listeners.Runs).ToHashSet(StringComparer.Ordinal);
            var unfinished = await ListAsync(remembered, cancellationToken).ConfigureAwait(false);
            Forget(remembered, unfinished);

            // Shuffled, so that several processes that look at once begin at different ends.
            Random.Shared.Shuffle(unfinished);
            var taken = 0;
            foreach (var run in unfinished)
            {
                cancellationToken.ThrowIfCancellationRequested();
                taken += await TryTakeOverAsync(run, cancellationToken).ConfigureAwait(false) ? 1 : 0;
            }

            return taken;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Runs that are not run here, and not over.</summary>
    /// <param name="remembered">Runs of which something is remembered; those that are not over are taken out, wherever they are run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async ValueTask<UnfinishedWorkflow[]> ListAsync(HashSet<string> remembered, CancellationToken cancellationToken)
    {
        var all = new List<UnfinishedWorkflow>();
        var request = new PageRequest { Size = PageRequest.MaxSize };
        while (true)
        {
            // A store that leaves one look without an answer must not keep this engine from looking again.
            var page = await services.State.ListUnfinishedWorkflowsAsync(request, cancellationToken).InTimeAsync(
                services.Options.LeaseDuration,
                services.Time,
                "it was asked for runs to take over.",
                key: null,
                exception => Log.ScanFailed(services.Logger, exception),
                cancellationToken).ConfigureAwait(false);
            foreach (var run in page.Items)
            {
                remembered.Remove(run.WorkflowId);
                if (services.Runners.TryGetValue(run.WorkflowId, out var runner))
                {
                    CancelIfAsked(run, runner);
                }
                else if (!services.Migrating.ContainsKey(run.WorkflowId))
                {
                    all.Add(run);
                }
            }

            if (page.ContinuationToken is null)
            {
                return [.. all];
            }

            request = request with { ContinuationToken = page.ContinuationToken };
        }
    }

    /// <summary>
    /// Another process, or program, may have asked for a run of this engine to be cancelled: seen here it need not wait for the next renewal of its
    /// lease.
    /// </summary>
    private static void CancelIfAsked(UnfinishedWorkflow run, WorkflowRunner runner)
    {
        if (run.IsCancellationRequested)
        {
            runner.Stop(StopCause.Cancelled);
        }
    }

    /// <summary>What is remembered of runs that are over, or gone, is forgotten.</summary>
    private void Forget(HashSet<string> over, UnfinishedWorkflow[] unfinished)
    {
        _watched.ForgetAllBut(unfinished.Select(static run => StateManager.WorkflowKey(run.WorkflowId)).ToHashSet(StringComparer.Ordinal));
        foreach (var id in over.Where(id => !IsHere(id)))
        {
            _toldOwners.Remove(id);
            _tried.Forget(id);
            services.LostFences.TryRemove(id, out _);
            services.LeftSince.TryRemove(id, out _);
            services.Listeners.Remove(id);
        }
    }

    private bool IsHere(string runId) => services.Runners.ContainsKey(runId) || services.Migrating.ContainsKey(runId);

    /// <summary>One damaged run must not keep the others from being taken over.</summary>
    private async ValueTask<bool> TryTakeOverAsync(UnfinishedWorkflow run, CancellationToken cancellationToken)
    {
        if (!IsDead(run))
        {
            // Somebody has it.
            services.LeftSince.TryRemove(run.WorkflowId, out _);
            return false;
        }

        var askedAt = services.Time.GetTimestamp();
        Lease? lease = null;
        try
        {
            // What waits for agents that nobody has here waits no longer than anybody wants it.
            if (_tried.WasTriedLately(run.WorkflowId)
                && !(_tried.AwaitsAgents(run.WorkflowId) && await services.Reader.IsCancelledAsync(run.WorkflowId, cancellationToken).ConfigureAwait(false)))
            {
                return false;
            }

            if (await PlanAsync(run.WorkflowId, cancellationToken).ConfigureAwait(false) is not { } plan)
            {
                return false;
            }

            lease = await services.Reader.TryTakeAsync(run, services.Coordinator.Id, cancellationToken).ConfigureAwait(false);
            if (lease is null || await RunSnapshot.ReadAsync(services.Reader, run.WorkflowId, cancellationToken).ConfigureAwait(false) is not { } snapshot)
            {
                await GiveBackAsync(run, lease).ConfigureAwait(false);
                return false;
            }

            if (snapshot.State.DefinitionHash != plan.Hash)
            {
                Refuse(run.WorkflowId, "the definition that is stored with it is not the one it was started with.");
                await GiveBackAsync(run, lease).ConfigureAwait(false);
                return false;
            }

            var held = new HeldLease(lease, askedAt, services.Time, services.Options.LeaseDuration);
            if (services.HadLost(run.WorkflowId, lease))
            {
                _tried.NoteRetaken(snapshot.State, askedAt);
            }

            await resume(plan, snapshot, held, run.Lease is { } before ? $"taken over from {before.Owner}" : "taken over").ConfigureAwait(false);
            return true;
        }
#pragma warning disable CA1031 // In the background, run by run: logged, and tried again later.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            _tried.Refuse(run.WorkflowId);
            Log.TakeOverFailed(services.Logger, exception, run.WorkflowId);
            await GiveBackAsync(run, lease).ConfigureAwait(false);
            return false;
        }
        catch (OperationCanceledException)
        {
            await GiveBackAsync(run, lease).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// The store's clock says so, or what was seen of its owner: the store's clock may have jumped back.
    /// </summary>
    private bool IsDead(UnfinishedWorkflow run)
    {
        if (!run.IsHeld || run.Lease is not { } lease)
        {
            return true;
        }

        TellOfOwner(run.WorkflowId, lease);
        return _watched.IsOwnerDead(lease);
    }

    /// <summary>
    /// Says why a run is waited for, once for each of its owners: where the owner is silent for longer than one that lives, and renews three times in a
    /// term, as after a program died and was started again.
    /// </summary>
    private void TellOfOwner(string runId, Lease lease)
    {
        if (_watched.SilenceOf(lease) > _watched.TermOf(lease) / 2
            && lease.Owner != services.Coordinator.Id && _toldOwners.GetValueOrDefault(runId) != lease.Owner)
        {
            _toldOwners[runId] = lease.Owner;
            Log.StillLeased(services.Logger, runId, lease.Owner);
        }
    }

    /// <summary>The plan of a run, if it can be run here.</summary>
    private async ValueTask<WorkflowPlan?> PlanAsync(string runId, CancellationToken cancellationToken)
    {
        if (await services.Reader.GetDefinitionAsync(runId, cancellationToken).ConfigureAwait(false) is not { } definition)
        {
            Refuse(runId, "no definition is stored with it.");
            return null;
        }

        var plan = WorkflowPlan.Of(definition);
        var missing = MissingOf(definition.Tasks);
        if (missing.Count > 0 && services.State.IsShared
            && await services.Reader.GetStateAsync(runId, cancellationToken).ConfigureAwait(false) is { } known)
        {
            // Should feedback send the run back to a task of a type that nobody hosts here, it waits.
            missing = MissingOf(definition.Tasks.Where(task => !known.TaskResults.ContainsKey(task.Id)));
        }

        if (missing.Count > 0 && !await services.Reader.IsCancelledAsync(runId, cancellationToken).ConfigureAwait(false)
            && await EndOfTimeAsync(runId, definition, cancellationToken).ConfigureAwait(false) is var endsAt && !(services.Time.GetUtcNow() >= endsAt))
        {
            _tried.Await(runId, missing, endsAt);
            Refuse(runId, $"no agent is registered here of type {string.Join(", ", missing)}.");
            return null;
        }

        // It has its agents, or all that is left to do with it is to end it.
        _tried.HasItsAgents(runId);
        return plan;
    }

    /// <summary>Types of tasks of which no agent is registered here.</summary>
    private List<AgentType> MissingOf(IEnumerable<TaskDefinition> tasks) =>
        [.. tasks.Select(static task => task.AgentType).Distinct().Where(type => !services.Coordinator.HasAgents(type))];

    /// <summary>When a run ends although it lacks agents here; null for never.</summary>
    private async ValueTask<DateTimeOffset?> EndOfTimeAsync(string runId, WorkflowDefinition definition, CancellationToken cancellationToken)
    {
        if ((definition.Timeout is null && services.Coordinator.WaitLimit is null)
            || await services.Reader.GetStateAsync(runId, cancellationToken).ConfigureAwait(false) is not { } state)
        {
            return null;
        }

        var now = services.Time.GetUtcNow();
        var atItsEnd = definition.Timeout < DateTimeOffset.MaxValue - state.StartedAt ? state.StartedAt + definition.Timeout : null;
        if (!services.State.IsShared || !WorkflowRunner.IsLeftToOthers(state) || services.Coordinator.WaitLimit is not { } limit)
        {
            return atItsEnd;
        }

        // With none coming in the time that its tasks may wait, they fail here as anywhere.
        var patience = limit - services.Time.GetElapsedTime(services.LeftSince.GetOrAdd(runId, services.Time.GetTimestamp()));
        return patience < DateTimeOffset.MaxValue - now && !(atItsEnd < now + patience) ? now + patience : atItsEnd;
    }

    private void Refuse(string runId, string reason)
    {
        if (_tried.Refuse(runId))
        {
            Log.NotTakenOver(services.Logger, runId, reason);
        }
    }

    /// <summary>
    /// Gives back a lease under which nothing was run. When this engine had lost the run just before, its next taking of it still follows on that: no
    /// process died.
    /// </summary>
    private async ValueTask GiveBackAsync(UnfinishedWorkflow run, Lease? lease)
    {
        if (lease is null)
        {
            return;
        }

        if (services.HadLost(run.WorkflowId, lease))
        {
            services.LostFences[run.WorkflowId] = lease.Fence;
        }

        await services.ReleaseAsync(lease).ConfigureAwait(false);
    }
}
