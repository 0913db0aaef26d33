using Conductor.Coordination;
using Conductor.Diagnostics;
using Conductor.Policies;
using Conductor.State;
using Conductor.Threading;

namespace Conductor.Workflows;

/// <summary>
/// Runs workflows: phase after phase, each gated by its success rate, with feedback that sends a run back, every step committed to the
/// store. Thread-safe.
/// </summary>
public sealed partial class WorkflowEngine : IAsyncDisposable
{
    /// <summary>Nobody changes it.</summary>
    private static readonly WorkflowRunOptions _noOptions = new();

    private readonly WorkflowServices _services;
    private readonly LeaseKeeper _leases;
    private readonly WorkflowRecovery _recovery;
    private readonly PeriodicLoop _recoveryLoop;
    private readonly RunMigration _migration;

    /// <summary>Those who start or take over runs are inside: a stop hands over what they are about to begin.</summary>
    private readonly Entrance _entrance = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>1 from the first run on: before, the coordinator need not know this engine.</summary>
    private int _hearsOfAgents;

    /// <summary>Makes an engine.</summary>
    /// <param name="coordinator">Dispatches the tasks.</param>
    /// <param name="stateManager">Keeps the runs.</param>
    /// <param name="policyEngine">Judges the gates.</param>
    /// <param name="maxFeedbackLoops">How often feedback may send a run back, when its definition does not say; 0 turns it off. Default: 3.</param>
    /// <param name="options">The other settings. Default: the defaults.</param>
    /// <param name="environment">Clock, loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    /// <exception cref="ArgumentException">A setting is out of range; the message names every one that is.</exception>
    public WorkflowEngine(
        AgentCoordinator coordinator,
        StateManager stateManager,
        PolicyEngine policyEngine,
        int? maxFeedbackLoops = null,
        WorkflowOptions? options = null,
        ConductorEnvironment? environment = null)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        ArgumentNullException.ThrowIfNull(stateManager);
        ArgumentNullException.ThrowIfNull(policyEngine);
        var settings = Settle(options ?? new WorkflowOptions(), maxFeedbackLoops);
        SettingProblems.ThrowIfAny(settings.Problems(nameof(WorkflowOptions)), maxFeedbackLoops < 0 ? nameof(maxFeedbackLoops) : nameof(options));
        _services = new WorkflowServices(
            coordinator, stateManager, policyEngine, settings, environment ?? ConductorEnvironment.Default) { Stopping = _stopping.Token };
        _leases = new LeaseKeeper(_services);
        _recovery = new WorkflowRecovery(_services,
            async (plan, snapshot, lease, message) => await ResumeAsync(plan, snapshot, lease, new WorkflowRunOptions(), message).ConfigureAwait(false));
        _migration = new RunMigration(_services, AcquireAsync, ResumeAsync, TryLeaveAsync);
        _recoveryLoop = new PeriodicLoop(settings.RecoveryInterval, _services.Time, ScanQuietlyAsync);
    }

    /// <summary>Ids of the runs that this engine runs now.</summary>
    public IReadOnlyCollection<string> RunningWorkflows => [.. _services.Runners.Keys];

    /// <summary>
    /// Takes over runs that nobody goes on with, now and regularly from now on. The container's start calls it, after the agents are there.
    /// Starting a started engine only looks once more.
    /// </summary>
    /// <param name="cancellationToken">Gives up the first look.</param>
    /// <exception cref="InvalidOperationException">The engine was stopped.</exception>
    public async ValueTask StartAsync(CancellationToken cancellationToken = default)
    {
        Enter();
        try
        {
            await ScanQuietlyAsync(cancellationToken).ConfigureAwait(false);
            _recoveryLoop.EnsureStarted();
        }
        finally
        {
            _entrance.Leave();
        }
    }

    /// <summary>
    /// Takes over runs that nobody goes on with: handed over by an engine that stopped, or left by a process that died. Finished tasks keep
    /// their results, unfinished ones run again under the same idempotency key. As long as the coordinator is not started, none is taken over; nor
    /// is one that needs agents of a type that is not registered here (event 1414).
    /// </summary>
    /// <param name="cancellationToken">Gives up looking.</param>
    /// <returns>How many runs were taken over.</returns>
    /// <exception cref="InvalidOperationException">The engine was stopped.</exception>
    public async ValueTask<int> RecoverAsync(CancellationToken cancellationToken = default)
    {
        Enter();
        try
        {
            return await _recovery.ScanAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _entrance.Leave();
        }
    }

    /// <summary>Runs a workflow and waits for its end.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="options">Settings of the run. Default: a new id.</param>
    /// <param name="cancellationToken">
    /// Cancels the run, for good. Not so once the host stops: then it only ends the waiting (a hosted service's token is cancelled at each stop of the
    /// program), and the run is handed over with the others.
    /// </param>
    /// <returns>The final state; a run that failed is a state too, see <see cref="WorkflowState.EnsureCompleted"/>.</returns>
    /// <exception cref="WorkflowValidationException">The definition is not valid; nothing ran.</exception>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled. A run that it was in time for is cancelled, too, and that is stored; one that had ended just then keeps its end,
    /// and before it was started nothing is stored. (The host stops, or this engine, waiting no longer, cancels the tasks that run: what such a service or
    /// such a task awaits by its token is handed over, and not cancelled.)
    /// </exception>
    /// <exception cref="StateException">
    /// The store did not take the run, or this engine could not go on with it: LEASE_LOST where it was handed over because the engine stopped
    /// (whoever shares the store goes on with it), another process has it or it was deleted; otherwise what the store said. See
    /// <see cref="WorkflowRun.Completion"/>. Or another engine has the run, and the store did not take the wish to cancel it for half a minute: it goes on.
    /// </exception>
    /// <exception cref="InvalidOperationException">The engine was stopped, or <see cref="WorkflowRunOptions.Migrate"/> gave null.</exception>
    /// <exception cref="ArgumentException">The run's id (<see cref="WorkflowRunOptions.RunId"/>) is blank or not well-formed.</exception>
    public async ValueTask<WorkflowState> RunWorkflowAsync(
        WorkflowDefinition definition, WorkflowRunOptions? options = null, CancellationToken cancellationToken = default)
    {
        var run = await StartWorkflowAsync(definition, options, cancellationToken).ConfigureAwait(false);
        await using var letGo = run.ConfigureAwait(false);
        try
        {
            return await run.Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && !_services.HandsOver)
        {
            if (await CancelForGoodAsync(run).ConfigureAwait(false))
            {
                await run.Completion.ConfigureAwait(false);
            }

            throw;
        }
    }

    /// <summary>Starts a workflow. When this returns, the run exists in the store.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="options">Settings of the run; an id that exists gives the run that exists. Default: a new id.</param>
    /// <param name="cancellationToken">Gives up starting; it does not cancel a run that was started.</param>
    /// <returns>A handle on the run.</returns>
    /// <exception cref="WorkflowValidationException">
    /// The definition is not valid, or the id belongs to a run of another definition; the message says what is different. See
    /// <see cref="WorkflowRunOptions.Migrate"/>.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The engine was stopped, the coordinator is not started, or <see cref="WorkflowRunOptions.Migrate"/> gave null.
    /// </exception>
    /// <exception cref="ArgumentException">The run's id (<see cref="WorkflowRunOptions.RunId"/>) is blank or not well-formed.</exception>
    /// <exception cref="StateException">
    /// The store could not be asked for the run or did not take it, or the run cannot go on with another definition now (STATE_CONFLICT).
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled before the run was started.</exception>
    public async ValueTask<WorkflowRun> StartWorkflowAsync(
        WorkflowDefinition definition, WorkflowRunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(definition);
        var plan = WorkflowPlan.Of(definition, _services.Coordinator.Errors);
        ThrowIfStopped();
        cancellationToken.ThrowIfCancellationRequested();
        var settings = options?.Clone() ?? _noOptions;
        var runId = settings.RunId ?? EntityId.New();
        if (settings.RunId is not null)
        {
            IdText.ThrowIfInvalid(runId, nameof(options), "The run's id (WorkflowRunOptions.RunId)");
        }

        Enter();
        try
        {
            return settings.RunId is null
                ? await CreateAsync(plan, runId, settings, cancellationToken).ConfigureAwait(false)
                : await FindOrCreateAsync(plan, runId, settings, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _entrance.Leave();
        }
    }

    /// <summary>A handle on a run, whichever process runs it.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The handle, or null when the store has no such run.</returns>
    public async ValueTask<WorkflowRun?> GetRunAsync(string runId, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(runId);
        if (_services.Runners.TryGetValue(runId, out var runner))
        {
            return new WorkflowRun(_services, runId, runner);
        }

        var history = await _services.State.GetWorkflowHistoryAsync(runId, limit: 1, cancellationToken: cancellationToken).ConfigureAwait(false);
        return history is null ? null : new WorkflowRun(_services, runId, runner: null);
    }

    /// <summary>Lists runs by status, name and age, the youngest first, whichever process runs them.</summary>
    /// <param name="query">Which. Default: all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The page's size is out of its range, or its token is not one of this list.</exception>
    public ValueTask<Page<WorkflowSummary>> ListRunsAsync(WorkflowQuery? query = null, CancellationToken cancellationToken = default) =>
        _services.State.ListWorkflowsAsync(query, cancellationToken);

    /// <summary>
    /// Stops: no task is handed over any more, running ones may finish until the token says otherwise, and runs that are not at their end are
    /// handed over to whoever shares the store. Stopping a stopped engine does nothing.
    /// </summary>
    /// <param name="cancellationToken">
    /// Ends the waiting for running tasks: they are cancelled, and run again by the next owner. A store that does not answer by the end of
    /// <see cref="DispatchOptions.CancellationGracePeriod"/> is not waited for: then the next owner waits until the lease has run out.
    /// </param>
    public async ValueTask StopAsync(CancellationToken cancellationToken = default)
    {
        _services.Coordinator.AgentAdded -= OnAgentAdded;
        await _stopping.CancelAsync().ConfigureAwait(false);
        var ends = Drain();

        // Whoever is about to begin a run, or to take one over, finds the engine stopped, and the run drains at once.
        var begun = Task.WhenAll(_entrance.CloseAsync(), _recoveryLoop.StopAsync().AsTask());
        await begun.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var all = Task.WhenAll([.. ends, .. Drain()]);
        await all.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!all.IsCompleted)
        {
            _services.HandsOver = true;
            foreach (var runner in _services.Runners.Values)
            {
                runner.Stop(StopCause.HandedOver);
            }

            using var grace = new CancellationTokenSource(_services.Coordinator.GracePeriod, _services.Time);
            await all.WaitAsync(grace.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var runId in _services.Runners.Keys)
            {
                Log.NotHandedOver(_services.Logger, runId);
            }
        }

        await _leases.StopAsync().ConfigureAwait(false);
    }

    /// <summary>A stop follows soon. Whoever awaits a run may be told to end before it: that is no wish to cancel the run.</summary>
    internal void AnnounceStop() => _services.HandsOver = true;

    private void OnAgentAdded()
    {
        _services.Turnstile.LookAgain();
        foreach (var (_, runner) in _services.Runners)
        {
            runner.NoteMoreAgents();
        }
    }

    private List<Task> Drain()
    {
        var ends = new List<Task>();
        foreach (var runner in _services.Runners.Values)
        {
            runner.Stop(StopCause.Draining);
            ends.Add(runner.EndApart);
        }

        // What only waits (for an agent, for capacity, for its next attempt) has not begun: the next owner begins it.
        _services.Coordinator.GiveBackWaiting(static ticket => ticket.IsToBeGivenBack);
        return ends;
    }

    /// <summary>Stops without waiting for running tasks.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
    }

    private static WorkflowOptions Settle(WorkflowOptions options, int? maxFeedbackLoops)
    {
        if (maxFeedbackLoops is { } limit)
        {
            options = options.Clone();
            options.MaxFeedbackLoops = limit;
        }

        return options;
    }

    private async ValueTask ScanQuietlyAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _recovery.ScanIfRestedAsync(cancellationToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // In the background: a store that fails now may work at the next turn.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.ScanFailed(_services.Logger, exception);
        }
    }

    private void Enter()
    {
        if (!_entrance.TryEnter())
        {
            ThrowIfStopped();
        }
    }

    private void ThrowIfStopped()
    {
        if (_stopping.IsCancellationRequested)
        {
            throw StopFailures.Mark(
                new InvalidOperationException("The workflow engine was stopped and starts no run any more. Make a new one."), _services.Coordinator.Id);
        }
    }
}
