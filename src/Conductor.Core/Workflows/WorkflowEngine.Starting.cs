using System.Collections.Concurrent;
using Conductor.State;
using Conductor.Threading;

namespace Conductor.Workflows;

/// <content>Starting runs, finding those that exist, and going on with those that were left off.</content>
public sealed partial class WorkflowEngine
{
    private readonly ConcurrentDictionary<string, Task> _starting = new(StringComparer.Ordinal);

    /// <summary>Starts of one id take turns in this engine: the first creates the run, the others find it.</summary>
    private async ValueTask<WorkflowRun> FindOrCreateAsync(WorkflowPlan plan, string runId, WorkflowRunOptions settings, CancellationToken cancellationToken)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        while (_starting.GetOrAdd(runId, turn.Task) is var current && current != turn.Task)
        {
            await current.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await FindExistingAsync(runId, plan, settings, cancellationToken).ConfigureAwait(false)
                ?? await CreateAsync(plan, runId, settings, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _starting.TryRemove(runId, out _);
            turn.SetResult();
        }
    }

    private async ValueTask<WorkflowRun> CreateAsync(WorkflowPlan plan, string runId, WorkflowRunOptions settings, CancellationToken cancellationToken)
    {
        _services.Coordinator.ThrowIfNotYetStarted();
        await EndDeletedAsync(runId, cancellationToken).ConfigureAwait(false);
        HeldLease? lease;
        WatchedLeases? watched = null;
        var startedAt = _services.Time.GetTimestamp();
        while ((lease = await AcquireAsync(runId, watched, cancellationToken).ConfigureAwait(false)) is null)
        {
            // Another process starts the same id at this moment, or died while doing it: then its lease runs out, or is seen to be a dead one's.
            if (await FindExistingAsync(runId, plan, settings, cancellationToken).ConfigureAwait(false) is { } existing)
            {
                return existing;
            }

            watched ??= new WatchedLeases(_services.Time, _services.Options.LeaseDuration);
            if (_services.Time.GetElapsedTime(startedAt) > 3 * _services.Options.LeaseDuration)
            {
                throw Conflict(runId);
            }

            ThrowIfStopped();
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
            await ((Task)Task.Delay(_services.Options.PollInterval, _services.Time, either.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }

        var isForOthers = IsForOthers(plan);
        var runner = new WorkflowRunner(_services, plan, runId, settings, lease);
        _services.Launching.Add(runner);
        try
        {
            await runner.CreateAsync(isForOthers).ConfigureAwait(false);
        }
        catch (StateException exception) when (exception.ErrorCode is ErrorCodes.StateConflict or ErrorCodes.LeaseLost)
        {
            // Somebody else created it; or was about to, where this process was paused for longer than its lease.
            _services.Launching.Remove(runner);
            await _services.ReleaseAsync(lease.Current).ConfigureAwait(false);
            return await FindExistingAsync(runId, plan, settings, cancellationToken).ConfigureAwait(false)
                ?? (exception.ErrorCode == ErrorCodes.LeaseLost
                    ? await CreateAsync(plan, runId, settings, cancellationToken).ConfigureAwait(false)
                    : throw Conflict(runId));
        }
        catch
        {
            // It does not exist, or nobody has it: whoever starts it again, or goes on with it, need not wait for the lease.
            _services.Launching.Remove(runner);
            await _services.ReleaseAsync(lease.Current).ConfigureAwait(false);
            throw;
        }

        if (isForOthers)
        {
            _services.Launching.Remove(runner);
            await LeaveAsync(runId, plan, lease).ConfigureAwait(false);
            FollowLater(runId, settings);
            return new WorkflowRun(_services, runId, runner: null);
        }

        Launch(runner);
        return new WorkflowRun(_services, runId, runner);
    }

    /// <summary>
    /// Whether a run is none of this process's: on a store that processes share, each with agents of its own, one that keeps a run none of whose tasks it
    /// can run keeps it from those that can. Where tasks may not wait for agents at all, they fail here and now.
    /// </summary>
    private bool IsForOthers(WorkflowPlan plan) =>
        _services.State.IsShared && _services.Coordinator.WaitLimit != TimeSpan.Zero && plan.TaskCount > 0
            && !plan.Definition.Tasks.Any(task => _services.Coordinator.HasAgents(task.AgentType));

    private async ValueTask LeaveAsync(string runId, WorkflowPlan plan, HeldLease lease)
    {
        Log.LeftToOthers(_services.Logger, runId, plan.Definition.Name);
        _services.LeftSince[runId] = _services.Time.GetTimestamp();
        await _services.ReleaseAsync(lease.Current).ConfigureAwait(false);
    }

    /// <summary>Stores how a run goes on, and leaves it to others, if it is theirs.</summary>
    private async ValueTask<bool> TryLeaveAsync(WorkflowPlan plan, RunSnapshot snapshot, HeldLease lease, string message)
    {
        if (!IsForOthers(plan))
        {
            return false;
        }

        var runId = snapshot.State.WorkflowId;
        var runner = new WorkflowRunner(_services, plan, runId, _noOptions, lease);
        await runner.ResumeAsync(snapshot, !_services.HadLost(runId, lease.Current), message, forOthers: true).ConfigureAwait(false);
        await LeaveAsync(runId, plan, lease).ConfigureAwait(false);
        return true;
    }

    /// <summary>Should nobody have a run, it is gone on with here, also by an engine that was never told to look for such runs.</summary>
    private void FollowLater(string runId, WorkflowRunOptions settings)
    {
        if (settings.Progress is { } listener)
        {
            _services.Listeners.Add(runId, listener);
        }

        _recoveryLoop.EnsureStarted();
    }

    /// <summary>Ends what goes on here of a run that the store no longer has: nothing of it can be saved, and its id is to be another's.</summary>
    private async ValueTask EndDeletedAsync(string runId, CancellationToken cancellationToken)
    {
        _services.Listeners.Remove(runId);
        if (_services.Runners.TryGetValue(runId, out var deleted))
        {
            deleted.StopLost(reason: null);
            await deleted.EndApart.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private ValueTask<HeldLease?> AcquireAsync(string runId, CancellationToken cancellationToken) => AcquireAsync(runId, watched: null, cancellationToken);

    private async ValueTask<HeldLease?> AcquireAsync(string runId, WatchedLeases? watched, CancellationToken cancellationToken)
    {
        var askedAt = _services.Time.GetTimestamp();
        var (leases, name, owner) = (_services.State.Leases, StateManager.WorkflowKey(runId), _services.Coordinator.Id);
        var taken = watched is null
            ? leases.TryAcquireAsync(name, owner, _services.Options.LeaseDuration, cancellationToken)
            : watched.TryTakeAsync(leases, name, owner, cancellationToken);
        return await taken.ConfigureAwait(false) is { } lease ? Hold(lease, askedAt) : null;
    }

    private HeldLease Hold(Lease lease, long askedAt) => new(lease, askedAt, _services.Time, _services.Options.LeaseDuration);

    private void Launch(WorkflowRunner runner)
    {
        _services.Runners[runner.RunId] = runner;
        _services.Launching.Remove(runner);
        if (_stopping.IsCancellationRequested)
        {
            runner.Stop(StopCause.Draining);
        }

        _leases.EnsureStarted();
        if (Interlocked.Exchange(ref _hearsOfAgents, 1) == 0)
        {
            _services.Coordinator.AgentAdded += OnAgentAdded;
        }

        // Its first tasks together are one hand-over.
        using (Lane.Gather())
        {
            _ = runner.RunAsync();
        }
    }

    /// <summary>Goes on with a run whose lease was just taken.</summary>
    private async ValueTask<WorkflowRunner> ResumeAsync(WorkflowPlan plan, RunSnapshot snapshot, HeldLease lease, WorkflowRunOptions settings, string message)
    {
        var runId = snapshot.State.WorkflowId;
        var isCrash = !_services.HadLost(runId, lease.Current);
        var runner = new WorkflowRunner(_services, plan, runId, settings, lease);
        _services.Launching.Add(runner);
        try
        {
            await runner.ResumeAsync(snapshot, isCrash, message).ConfigureAwait(false);
            _services.LostFences.TryRemove(runId, out _);
            if (await _services.Reader.IsCancelledAsync(runId, CancellationToken.None).ConfigureAwait(false))
            {
                runner.Stop(StopCause.Cancelled);
            }
            else if (_services.IsOutOfTime(plan.Definition, snapshot.State.StartedAt))
            {
                // Before anything is begun.
                runner.Stop(StopCause.TimedOut);
            }
        }
        catch
        {
            _services.Launching.Remove(runner);
            throw;
        }

        Launch(runner);
        return runner;
    }

    private async ValueTask<WorkflowRun?> FindExistingAsync(
        string runId, WorkflowPlan plan, WorkflowRunOptions settings, CancellationToken cancellationToken)
    {
        var state = await _services.State.GetWorkflowStateAsync(runId, cancellationToken).ConfigureAwait(false);
        if (state is null)
        {
            return null;
        }

        if (state.DefinitionHash != plan.Hash)
        {
            await MigrateAsync(state, plan, settings, cancellationToken).WaitHeardAsync(
                Timeout.InfiniteTimeSpan, _services.Time, exception => Log.MigrationFailed(_services.Logger, exception, runId), cancellationToken)
                .ConfigureAwait(false);
        }

        if (!state.IsComplete)
        {
            FollowLater(runId, settings);
        }

        return await GetRunAsync(runId, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whoever gives a migration up does not wait for what is drained for it; a stop of the engine does.</summary>
    private async Task MigrateAsync(WorkflowState state, WorkflowPlan plan, WorkflowRunOptions settings, CancellationToken cancellationToken)
    {
        Enter();
        try
        {
            await _migration.MigrateAsync(state, plan, settings, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _entrance.Leave();
        }
    }

    private static StateException Conflict(string runId) =>
        new(ErrorCodes.StateConflict, $"Run '{runId}' is being started by somebody else. Ask again.")
        {
            IsTransient = true, Key = StateManager.WorkflowKey(runId),
        };
}
