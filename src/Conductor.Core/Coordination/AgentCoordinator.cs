using System.Runtime.CompilerServices;
using Conductor.Agents;
using Conductor.Diagnostics;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Threading;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>
/// The central registry and dispatcher: gives each task to an idle agent of its type, after the policies have allowed it, over the bus; and
/// sees every failure through to a retry, a dead letter or an escalation. Thread-safe.
/// </summary>
public sealed partial class AgentCoordinator : IAsyncDisposable
{
    private readonly MessageBus _bus;
    private readonly StateManager _state;
    private readonly PolicyEngine _policies;
    private readonly ErrorHandler _errors;
    private readonly DispatchOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly AgentHost _host;
    private readonly Admissions _admissions;
    private readonly AgentStateSaver _saver;
    private readonly AgentEnding _ending;
    private readonly ConductorEnvironment _environment;
    private readonly AgentPools _pools;
    private readonly WatchedLeases _watchedReplays;

    /// <summary>Makes a coordinator.</summary>
    /// <param name="bus">Carries assignments and results.</param>
    /// <param name="stateManager">Keeps results, agent states and dead letters.</param>
    /// <param name="policyEngine">Asked before every assignment.</param>
    /// <param name="errorHandler">Decides about failures.</param>
    /// <param name="options">Settings. Default: the defaults.</param>
    /// <param name="environment">Clock, loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    /// <param name="scopes">Gives each task its dependency-injection scope. Default: none.</param>
    public AgentCoordinator(
        MessageBus bus,
        StateManager stateManager,
        PolicyEngine policyEngine,
        ErrorHandler errorHandler,
        DispatchOptions? options = null,
        ConductorEnvironment? environment = null,
        IServiceScopeFactory? scopes = null)
    {
        ArgumentNullException.ThrowIfNull(bus);
        ArgumentNullException.ThrowIfNull(stateManager);
        ArgumentNullException.ThrowIfNull(policyEngine);
        ArgumentNullException.ThrowIfNull(errorHandler);
        _bus = bus;
        _state = stateManager;
        _policies = policyEngine;
        _errors = errorHandler;
        _options = options ?? new DispatchOptions();
        _environment = environment ?? ConductorEnvironment.Default;
        SettingProblems.ThrowIfAny(_options.Problems(nameof(DispatchOptions)), nameof(options));
        _time = _environment.TimeProvider;
        _aborted = _abort.Token;
        _logger = _environment.LoggerFactory.CreateLogger<AgentCoordinator>();
        _stop = new StopRequest(exception => Log.StartCallbacksFailed(_logger, exception, Id));
        _host = new AgentHost(Id, bus, stateManager, _environment, scopes, _options.CancellationGracePeriod);
        _admissions = new Admissions(policyEngine, _options, _time, _logger);
        _pools = new AgentPools(type => new AgentPool(this, type, _time, _options, _admissions.Limit, _state.IsShared, policyEngine));
        _watchedReplays = new WatchedLeases(_time, ReplayLease.Term);
        _saver = new AgentStateSaver(stateManager, _time, _options.AgentStateInterval, _options.CancellationGracePeriod, _logger);
        _ending = new AgentEnding(_time, _options.CancellationGracePeriod, _logger);
        _policies.Changed += OnPoliciesChanged;
        _errors.BreakerChanged += OnBreakerChanged;
        _errors.FindType += TypeOf;
    }

    /// <summary>Identifies this coordinator on the bus.</summary>
    public string Id { get; } = EntityId.New();

    /// <summary>Tasks that were given to an agent and are not finished.</summary>
    public int RunningTasks => _admissions.Running;

    /// <summary>Tasks that wait for an agent or for capacity.</summary>
    public int WaitingTasks => _admissions.Limit.Count;

    internal MessageBus Bus => _bus;

    internal int QueueCapacity => _options.QueueCapacity;

    internal TimeSpan? WaitLimit => _options.WaitLimit;

    internal TimeSpan GracePeriod => _options.CancellationGracePeriod;

    internal AgentHost Host => _host;

    internal ErrorHandler Errors => _errors;

    /// <summary>
    /// Dispatches a task and waits for its end, retries included. The id names the execution: one whose result is recorded is not run again.
    /// </summary>
    /// <param name="task">The task.</param>
    /// <param name="cancellationToken">Cancels the task: never a failure, and never retried.</param>
    /// <returns>What became of it; one that ran and failed for good is a result too.</returns>
    /// <exception cref="ConductorException">
    /// It never ran: not valid, refused by a policy, no agent (or a stop before it had one), the queue full, every circuit open, or its deadline over while it
    /// waited (<see cref="AgentTimeoutException"/>).
    /// </exception>
    /// <exception cref="StateException">The store could not be asked whether it ran before; or it ran, and its result could not be recorded.</exception>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled; or the coordinator stopped while the task ran and could wait no longer, as the message says then.
    /// </exception>
    /// <exception cref="InvalidOperationException">The coordinator is not started, or was stopped before.</exception>
    public ValueTask<TaskResult> DispatchTaskAsync(TaskDefinition task, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(task);
        return DispatchAsync(DispatchTicket.Standalone(task), cancellationToken);
    }

    /// <summary>The state of an agent: as it is now when it is registered here, as it was stored last otherwise.</summary>
    /// <param name="agentId">The agent.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The state, or null when nobody knows the agent.</returns>
    public ValueTask<AgentState?> GetAgentStatusAsync(string agentId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(agentId);
        return FindKnown(agentId) is { } slot
            ? new ValueTask<AgentState?>(slot.ToState())
            : _state.GetAgentStateAsync(agentId, cancellationToken);
    }

    /// <summary>
    /// The way of one task. One outside workflows is recorded by itself; recording one of a run is left to the run, in one step with its progress.
    /// </summary>
    [AsyncMethodBuilder(typeof(ReusingMethodBuilder<>))]
    internal async ValueTask<TaskResult> DispatchAsync(DispatchTicket ticket, CancellationToken cancellationToken)
    {
        // Before the store is asked: its answers may come in any order, and how long it takes counts.
        var now = ticket.ArrivedAt = _time.GetTimestamp();
        if (ticket.IsStandalone)
        {
            // The id names the execution: one whose result is recorded is not run again.
            TaskValidation.ThrowIfInvalid(ticket.Task, _errors);
            ThrowIfNotStarted();
            if (await _state.GetTaskResultAsync(ticket.Task.LazyId, cancellationToken).ConfigureAwait(false) is { } known)
            {
                Log.AlreadyRecorded(_logger, ticket.Task.Id);
                return known;
            }
        }

        using var place = EnterDispatch(ticket);
        using var step = DispatchSpan.Start(_environment, ticket);
        var hasWaited = false;
        TaskResult result;
        while (true)
        {
            // 1. An idle agent of the type that its breaker and the policies allow.
            AgentSlot slot;
            try
            {
                var taken = _admissions.TakeAgentAsync(ticket, PoolOf(ticket.Task), cancellationToken);
                hasWaited |= !taken.IsCompleted;
                slot = await taken.ConfigureAwait(false);
                slot.Permit?.TellOfTrial();
                var mayBegin = _admissions.MayBeginAsync(ticket, slot, cancellationToken);
                hasWaited |= !mayBegin.IsCompleted;
                if (!await mayBegin.ConfigureAwait(false))
                {
                    continue;
                }
            }
            catch (ConductorException exception)
            {
                // What it was woken for is not held up by what is written of it.
                _admissions.PassOnTurn(ticket);
                result = await NotAdmittedAsync(ticket, exception, step, cancellationToken).ConfigureAwait(false);
                break;
            }

            // 2. The assignment goes to the agent over the bus, and its result comes back the same way.
            now = hasWaited ? _time.GetTimestamp() : now;
            if (!slot.TryBegin(ticket, now, ticket.Task.OwnTimeout ?? _policies.DefaultTimeout))
            {
                // Unregistered, or replaced, since it was taken.
                _admissions.ReleasePlace(ticket, slot);
                continue;
            }

            try
            {
                ticket.Begin(now, _time, _environment.Instruments);
                var answer = RunAttemptAsync(slot, cancellationToken);
                var watch = cancellationToken.UnsafeRegister(static (state, token) => ((AgentSlot)state!).Abandon(token), slot);
                try
                {
                    result = await answer.ConfigureAwait(false);
                }
                finally
                {
                    // Before anybody else gets the agent: a cancellation must not hit the next task.
                    await watch.DisposeAsync().ConfigureAwait(false);
                }
            }
            catch (Exception exception)
            {
                // Cancelled, or never published.
                Forsake(slot);
                ticket.NoteLastAgent(slot);
                if (await NotPublishedAsync(slot, ticket, exception, step, cancellationToken).ConfigureAwait(false) is not { } final)
                {
                    hasWaited = true;
                    continue;
                }

                result = final;
                break;
            }

            // 3. A success heals the agent's breaker, and that is that, unless the store cannot write it down.
            if (result.IsSuccess && (result = SavableResult.Of(_state, result, _logger)).IsSuccess)
            {
                slot.Breaker?.RecordSuccess(ticket.Task.CircuitBreaker);
                Settle(slot, success: true, isFinal: true);
                result = ticket.Complete(result, _time);
                break;
            }

            // 4. A failure: the error handler decides, keeps and announces; the decision is carried out here.
            ThrowIfByStop(slot, ticket, result);
            var decision = await DecideAsync(slot, ticket, result, cancellationToken).ConfigureAwait(false);
            if (decision.Action != ErrorAction.Retry)
            {
                step.Fail(result.Error!);
                result = ticket.Complete(FinalResult(result, decision), _time);
                break;
            }

            ticket.NoteLastAgent(slot);
            await BackOffAsync(slot, ticket, result.Error!, decision.Delay, cancellationToken).ConfigureAwait(false);
            hasWaited = true;
        }

        result = result.IsSuccess ? result : SavableResult.Of(_state, result, _logger);
        if (!ticket.IsStandalone)
        {
            return result;
        }

        // 5. Recorded once, before anybody sees it; the first recorded result is the one that everybody sees.
        var saved = SaveAsync(result);
        var outcome = saved.IsCompletedSuccessfully ? saved.Result : await AwaitSavedTracedAsync(saved, result, step, cancellationToken).ConfigureAwait(false);
        return outcome == RecordOutcome.Recorded ? result : await RecordedAsync(result, cancellationToken).ConfigureAwait(false);
    }

    private AgentPool PoolOf(TaskDefinition task)
    {
        var type = task.AgentType;
        if (_pools.TryGet(type, out var pool) && !pool.IsEmpty)
        {
            return pool;
        }

        if (_state.IsShared)
        {
            // Another process may host agents of the type, or this one may register some yet.
            pool ??= _pools.GetOrAdd(type);
            if (pool.IsFirstToMissAgents())
            {
                Log.NobodyHere(_logger, task.Id, type.Name);
            }

            return pool;
        }

        var known = _pools.All.Where(static candidate => !candidate.IsEmpty).Select(static candidate => candidate.Type.Name)
            .Order(StringComparer.Ordinal).ToList();
        throw new NoAvailableAgentException(
            type,
            $"No agent of type '{type}' is registered. Registered types: {(known.Count == 0 ? "none" : string.Join(", ", known))}. " +
            $"Register one: AddAgent<T>(new AgentType(\"{type}\")).");
    }
}
