using System.Diagnostics;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.Errors;

/// <summary>
/// Decides what is done about an error, keeps dead letters and tells the bus. The decision: circuit open and nobody else to take the task
/// → DEAD_LETTER; not retryable → ESCALATE; retries left → RETRY with backoff; else DEAD_LETTER. SKIP replaces the final action for
/// optional tasks. Carrying a retry out is the coordinator's work. Thread-safe.
/// </summary>
public sealed partial class ErrorHandler
{
    private const string Sender = "conductor:error-handler";

    private readonly MessageBus _bus;
    private readonly StateManager _state;
    private readonly RetryPolicy _retryPolicy;
    private readonly CircuitBreakerOptions _breakerOptions;
    private readonly Dictionary<string, (RetrySettings Retry, CircuitBreakerSettings CircuitBreaker)> _ofTypes;
    private readonly ConductorEnvironment _environment;
    private readonly ILogger _logger;
    private readonly Action<CircuitBreaker, CircuitBreakerState, CircuitBreakerState> _onBreakerChanged;

    /// <summary>Makes an error handler.</summary>
    /// <param name="bus">Where escalations and dead letters are announced.</param>
    /// <param name="stateManager">Where dead letters are kept.</param>
    /// <param name="retryPolicy">The general retry policy. Default: <see cref="RetryPolicy.Default"/>.</param>
    /// <param name="options">Breaker settings and settings of single agent types. Default: the defaults.</param>
    /// <param name="environment">Clock, loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    /// <exception cref="ArgumentException">A setting is out of range; the message names every one that is.</exception>
    public ErrorHandler(
        MessageBus bus,
        StateManager stateManager,
        RetryPolicy? retryPolicy = null,
        ErrorHandlerOptions? options = null,
        ConductorEnvironment? environment = null)
    {
        ArgumentNullException.ThrowIfNull(bus);
        ArgumentNullException.ThrowIfNull(stateManager);
        _bus = bus;
        _state = stateManager;
        _retryPolicy = retryPolicy ?? RetryPolicy.Default;
        options ??= new ErrorHandlerOptions();
        _environment = environment ?? ConductorEnvironment.Default;
        _logger = _environment.LoggerFactory.CreateLogger<ErrorHandler>();
        _onBreakerChanged = OnBreakerChanged;
        _breakers = new BreakerRegistry(MakeBreaker);
        SettingProblems.ThrowIfAny(_retryPolicy.Problems(nameof(RetryPolicy)), nameof(retryPolicy));
        SettingProblems.ThrowIfAny(options.Problems(nameof(ErrorHandlerOptions), _retryPolicy), nameof(options));

        // Read once: whoever holds the options may change them.
        _breakerOptions = options.CircuitBreaker.With(new CircuitBreakerSettings());
        _ofTypes = options.AgentTypes.ToDictionary(
            static type => type.Key, static type => (type.Value.Retry.ToSettings(), type.Value.CircuitBreaker.ToSettings()), StringComparer.OrdinalIgnoreCase);
    }

#pragma warning disable MA0046 // Within the library, and no events for a sender and its arguments; several coordinators may come and go at once.
    /// <summary>Told of the agent whose breaker was made or has changed.</summary>
    internal event Action<string>? BreakerChanged;

    /// <summary>The type of a registered agent; nameless for any other. Every coordinator adds its own.</summary>
    internal event Func<string, AgentType>? FindType;
#pragma warning restore MA0046

    /// <summary>Classifies an exception, decides what is done about it, keeps and publishes what has to be.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="context">Where it happened. Default: <see cref="ErrorContext.None"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<ErrorAction> HandleErrorAsync(Exception error, ErrorContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(error);
        var classified = _environment.Classify(error, context?.Task, context?.WorkflowId);
        var decision = await DecideAsync(classified, context, cancellationToken).ConfigureAwait(false);
        return decision.Action;
    }

    /// <summary>Decides what is done about an error, keeps and publishes what has to be.</summary>
    /// <param name="error">The error.</param>
    /// <param name="context">Where it happened. Default: <see cref="ErrorContext.None"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<ErrorAction> HandleErrorAsync(TaskError error, ErrorContext? context = null, CancellationToken cancellationToken = default)
    {
        var decision = await DecideAsync(error, context, cancellationToken).ConfigureAwait(false);
        return decision.Action;
    }

    /// <summary>The same as <see cref="HandleErrorAsync(TaskError, ErrorContext?, CancellationToken)"/>, and gives the whole decision.</summary>
    /// <param name="error">The error.</param>
    /// <param name="context">Where it happened. Default: <see cref="ErrorContext.None"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<ErrorDecision> DecideAsync(TaskError error, ErrorContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(error);
        var where = context ?? ErrorContext.None;
        return await CarryOutAsync(error, where, Decide(error, where), cancellationToken, patience: cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Counts a failure and decides what is done about it. Nothing is kept or published yet.</summary>
    internal ErrorDecision Decide(TaskError error, ErrorContext context) => Decide(error, context, RecordFailure(error, context));

    /// <summary>Keeps and publishes what has to be.</summary>
    /// <param name="error">The error.</param>
    /// <param name="where">Where it happened.</param>
    /// <param name="decision">What was decided.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="patience">Ends waiting for a store that cannot be written now: it is asked once more.</param>
    internal async ValueTask<ErrorDecision> CarryOutAsync(
        TaskError error, ErrorContext where, ErrorDecision decision, CancellationToken cancellationToken, CancellationToken patience)
    {
        switch (decision.Action)
        {
            case ErrorAction.Retry:
                _environment.Instruments.RetryAttempts.Record(1, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.ErrorCode, error.Code));
                Log.Retrying(_logger, where.Task?.Id, where.AgentId, error.Code, decision.Attempt, decision.Delay, error.Message);
                break;
            case ErrorAction.Escalate:
                await EscalateAsync(error, where, decision, cancellationToken).ConfigureAwait(false);
                break;
            case ErrorAction.DeadLetter:
                decision = await AddToDeadLettersAsync(error, where, decision, cancellationToken, patience).ConfigureAwait(false);
                break;
            default:
                Log.Skipped(_logger, where.Task?.Id, where.AgentId, error.Code, decision.Reason, error.Message);
                break;
        }

        Activity.Current?.AddEvent(new ActivityEvent($"conductor.{EnumName<ErrorAction>.Of(decision.Action)}"));
        return decision;
    }

    /// <summary>Keeps and announces a dead letter without a decision: a repetition replaces it. What keeps it from being kept is thrown.</summary>
    internal async ValueTask GiveUpAsync(TaskError error, ErrorContext context, CancellationToken cancellationToken)
    {
        var decision = new ErrorDecision { Action = ErrorAction.DeadLetter, Attempt = context.Attempt, Reason = error.Message };
        var record = DeadLetterFactory.Create(error, context, decision.Reason, _environment.TimeProvider.GetUtcNow());
        await _state.SaveDeadLetterAsync(record, cancellationToken).ConfigureAwait(false);
        await KeptAsync(record, error, context, decision, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// What is the task's fault or its caller's, or that of what all agents share (the bus, the store, a queue that an agent dispatches to), is never the
    /// agent's: each agent that met it would be broken off, and stay so for a while after it is over.
    /// </summary>
    private static bool CountsAgainstAgent(string code) => code is not (
        ErrorCodes.TaskValidationFailed or ErrorCodes.PolicyViolation or ErrorCodes.Cancelled or ErrorCodes.CircuitOpen or ErrorCodes.QueueFull
        or ErrorCodes.BusDisconnected or ErrorCodes.BusNotConnected or ErrorCodes.NoAvailableAgent or ErrorCodes.LeaseLost
        or ErrorCodes.StateUnavailable or ErrorCodes.StateNotConnected);

    /// <summary>Lets the agent's breaker learn of the failure. Returns whether it is open now.</summary>
    private bool RecordFailure(TaskError error, ErrorContext context)
    {
        if (context.AgentId is not { } agentId)
        {
            return error.Code == ErrorCodes.CircuitOpen;
        }

        if (context.IsFailureOfAgent && CountsAgainstAgent(error.Code))
        {
            GetCircuitBreaker(agentId, TypeOf(context)).RecordFailure(context.Task?.CircuitBreaker);
        }

        return FindCircuitBreaker(agentId)?.IsOpen() == true;
    }

    /// <summary>The type that a failure is judged by: that of its agent, where whoever handles it names none.</summary>
    private AgentType TypeOf(ErrorContext context) =>
        context is { AgentType.IsEmpty: true, AgentId: { Length: > 0 } agentId } ? TypeOf(agentId) : context.AgentType;

    private ErrorDecision Decide(TaskError error, ErrorContext context, bool circuitOpen)
    {
        var policy = RetryPolicyOf(TypeOf(context)).With(context.Task?.Retry);
        var retry = Math.Max(context.Attempt - 1, 0);
        if (circuitOpen && !context.OtherAgentsAvailable)
        {
            return Final(ErrorAction.DeadLetter, "the circuit is open and no other agent of the type can take it.");
        }

        if (context.GivenUpBecause is { } reason)
        {
            return Final(ErrorAction.DeadLetter, reason);
        }

        if (!policy.IsRetryable(error))
        {
            return Final(ErrorAction.Escalate, "the error is not retryable.");
        }

        if (retry >= policy.MaxRetries)
        {
            return Final(ErrorAction.DeadLetter, $"all {policy.MaxRetries} retries are used up.");
        }

        var backoff = policy.CalculateDelay(retry);
        var delay = error.RetryAfter is { } after && after > backoff ? after : backoff;
        if (context.TimeLeft is { } left && delay >= left)
        {
            return Final(ErrorAction.DeadLetter, "its deadline comes before the next attempt.");
        }

        return new ErrorDecision { Action = ErrorAction.Retry, Delay = delay, Attempt = context.Attempt, Reason = "the error is transient." };

        ErrorDecision Final(ErrorAction action, string reason) => new()
        {
            Action = context.Task?.Optional == true ? ErrorAction.Skip : action,
            Attempt = context.Attempt,
            Reason = reason,
        };
    }

    private async ValueTask EscalateAsync(TaskError error, ErrorContext context, ErrorDecision decision, CancellationToken cancellationToken)
    {
        Log.Escalated(_logger, context.Task?.Id, context.AgentId, error.Code, decision.Reason, error.Message);
        await AnnounceAsync(Channels.Errors, error, context, decision, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<ErrorDecision> AddToDeadLettersAsync(
        TaskError error, ErrorContext context, ErrorDecision decision, CancellationToken cancellationToken, CancellationToken patience)
    {
        var record = DeadLetterFactory.Create(error, context, decision.Reason, _environment.TimeProvider.GetUtcNow());
        if (await TryKeepAsync(record, cancellationToken, patience).ConfigureAwait(false))
        {
            return await KeptAsync(record, error, context, decision, cancellationToken).ConfigureAwait(false);
        }

        await AnnounceAsync(Channels.DeadLetters, error, context, decision, cancellationToken).ConfigureAwait(false);
        return decision;
    }

    private async ValueTask<ErrorDecision> KeptAsync(
        ErrorRecord record, TaskError error, ErrorContext context, ErrorDecision decision, CancellationToken cancellationToken)
    {
        _environment.Instruments.DeadLetters.Record(1, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.ErrorCode, error.Code));
        Log.DeadLettered(_logger, context.Task?.Id, context.AgentId, error.Code, record.Id, decision.Reason, error.Message);
        var kept = decision with { Record = record };
        await AnnounceAsync(Channels.DeadLetters, error, context, kept, cancellationToken).ConfigureAwait(false);
        return kept;
    }

    private async ValueTask AnnounceAsync(
        string channel, TaskError error, ErrorContext context, ErrorDecision decision, CancellationToken cancellationToken)
    {
        var notice = new AgentMessage
        {
            Type = MessageType.Error,
            Sender = Sender,
            CorrelationId = context.IdempotencyKey,
            Payload = new ErrorPayload
            {
                Code = error.Code,
                Message = error.Message,
                AgentId = context.AgentId,
                TaskId = context.Task?.Id,
                WorkflowId = context.WorkflowId,
                Action = decision.Action,
                DeadLetterId = decision.Record?.Id,
            },
        };
        try
        {
            await _bus.PublishAsync(channel, notice, cancellationToken).WaitHeardAsync(
                LateFailure.NoticePatience,
                _environment.TimeProvider,
                exception => Log.NoticeFailed(_logger, exception, channel, context.Task?.Id),
                cancellationToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever a provider throws: a notice is only to tell of what is decided, and kept, by now.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.NoticeFailed(_logger, exception, channel, context.Task?.Id);
        }
    }

    /// <summary>The type of an agent that is registered with a coordinator; nameless for any other.</summary>
    private AgentType TypeOf(string agentId)
    {
        ArgumentException.ThrowIfNullOrEmpty(agentId);
        foreach (var find in Delegate.EnumerateInvocationList(FindType))
        {
            if (find(agentId) is { IsEmpty: false } type)
            {
                return type;
            }
        }

        return default;
    }

    /// <summary>What settings of a single task of a type are merged into.</summary>
    internal RetryPolicy RetryPolicyOf(AgentType type) => _retryPolicy.With(SettingsOf(type).Retry);

    private (RetrySettings? Retry, CircuitBreakerSettings? CircuitBreaker) SettingsOf(AgentType type) =>
        !type.IsEmpty && _ofTypes.TryGetValue(type.Name, out var settings) ? settings : default;
}
