using System.Runtime.ExceptionServices;
using Conductor.Coordination;
using Conductor.Diagnostics;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Threading;
using Conductor.Workflows;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Conductor.DependencyInjection;

/// <summary>
/// Everything of one container, started and stopped together: by the host where there is one, otherwise by <c>StartConductorAsync</c> and
/// <see cref="StopAsync"/> (or disposal). Thread-safe.
/// </summary>
public sealed partial class ConductorRuntime : IAsyncDisposable
{
    private readonly IServiceProvider _provider;
    private readonly ConductorOptions _options;
    private readonly ConductorEnvironment _environment;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private readonly StopRequest _stop;
    private bool _started;
    private bool _stopped;
    private Exception? _startFailure;

    /// <summary>Made by the container.</summary>
    /// <param name="provider">The container.</param>
    /// <exception cref="OptionsValidationException">A setting is not valid.</exception>
    public ConductorRuntime(IServiceProvider provider)
    {
        ArgumentNullException.ThrowIfNull(provider);
        _provider = provider;
        _options = provider.GetRequiredService<IOptions<ConductorOptions>>().Value;
        _environment = provider.GetRequiredService<ConductorEnvironment>();
        _logger = _environment.LoggerFactory.CreateLogger<ConductorRuntime>();
        _stop = new StopRequest(exception => Log.StartCallbackFailed(_logger, exception));
        Bus = provider.GetRequiredService<MessageBus>();
        State = provider.GetRequiredService<StateManager>();
        Policies = provider.GetRequiredService<PolicyEngine>();
        Errors = provider.GetRequiredService<ErrorHandler>();
        Coordinator = provider.GetRequiredService<AgentCoordinator>();
        Workflows = provider.GetRequiredService<WorkflowEngine>();
    }

    /// <summary>Carries messages.</summary>
    public MessageBus Bus { get; }

    /// <summary>Keeps state.</summary>
    public StateManager State { get; }

    /// <summary>Asked before every action.</summary>
    public PolicyEngine Policies { get; }

    /// <summary>Decides about failures, and has the dead letters.</summary>
    public ErrorHandler Errors { get; }

    /// <summary>Registers agents and dispatches tasks.</summary>
    public AgentCoordinator Coordinator { get; }

    /// <summary>Runs workflows.</summary>
    public WorkflowEngine Workflows { get; }

    /// <summary>
    /// Starts everything and registers the agents. Starting twice does nothing. When anything fails, nothing is left running, and another start
    /// needs another container.
    /// </summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ObjectDisposedException">It was stopped, before or while it started.</exception>
    /// <exception cref="InvalidOperationException">It was started before, and that failed; why is the inner exception.</exception>
    /// <exception cref="StateException">The store cannot be used, such as a file that cannot be opened or is of a newer version.</exception>
    /// <exception cref="TaskValidationException">The store writes, and does not know how to write a type that an agent takes in or gives out.</exception>
    /// <exception cref="AgentAlreadyRegisteredException">Two agents have one id.</exception>
    /// <exception cref="Exception">What the start hook of an agent threw, its factory, or a bus or store of your own: as it is.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfStopped(_stopped);
            if (_startFailure is not null)
            {
                throw new InvalidOperationException(
                    $"It was started before, which failed ({ExceptionText.Of(_startFailure)}), and all that ran was stopped. Put that right and start with a " +
                        "new container.", _startFailure);
            }

            if (_started)
            {
                return;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Asked);
            try
            {
                await Coordinator.StartAsync(either.Token).ConfigureAwait(false);
                CheckPayloadTypes();
                await RegisterAgentsAsync(either.Token).ConfigureAwait(false);
                await Workflows.StartAsync(either.Token).ConfigureAwait(false);
                _provider.GetRequiredService<ContainerEnd>();
                _started = true;
                Log.Started(_logger, Coordinator.AgentIds.Count);
                foreach (var section in _provider.GetServices<SettingsSource>().Select(static source => source.Missing).OfType<string>())
                {
                    Log.NoSection(_logger, section);
                }
            }
            catch (Exception exception)
            {
                // What goes wrong now as well is logged; what went wrong first is thrown.
                _startFailure = exception;
                _stop.Enter();
                await StopAllAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
                if (exception is OperationCanceledException)
                {
                    // By which of the two.
                    cancellationToken.ThrowIfCancellationRequested();
                    ThrowIfStopped(_stop.Asked.IsCancellationRequested);
                }

                throw;
            }
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>
    /// Stops everything: runs are drained, running tasks may finish until the token says otherwise, agents are stopped, bus and store are
    /// disconnected. A start under way is given up. Stopping twice does nothing, and asking again while it stops waits for the same stop (a stop
    /// hook that asks does not wait).
    /// </summary>
    /// <param name="cancellationToken">
    /// Ends the waiting for running tasks, whoever's stop waits for them, not the stop. After that what is left has
    /// <see cref="DispatchOptions.CancellationGracePeriod"/> each: the last steps of runs, stop hooks, states of agents, bus and
    /// store. An agent's task that waits for the stop waits for itself, until then.
    /// </param>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        if (_stop.IsWithin)
        {
            return;
        }

        using var hurry = _stop.Join(cancellationToken);
        await _lifecycle.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            // Before anything can fail: every step is tried, and there is nothing left for another stop, nor for another start.
            var isRunning = _started && !_stopped;
            _stopped = true;
            if (isRunning)
            {
                _stop.Enter();
                var failure = await StopAllAsync(_stop.Hurry).ConfigureAwait(false);
                failure?.Throw();
                Log.Stopped(_logger);
            }
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>Stops everything, giving running tasks <see cref="ConductorOptions.ShutdownTimeout"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(_options.ShutdownTimeout, _environment.TimeProvider);
        await StopAsync(limit.Token).ConfigureAwait(false);
    }

    private static void ThrowIfStopped(bool isStopped)
    {
        if (isStopped)
        {
            throw new ObjectDisposedException(
                nameof(ConductorRuntime), "Conductor was stopped, and all that ran with it. Start with a new container, or a new host.");
        }
    }

    /// <summary>Stops what runs. One that fails must not leave the others running, so that the first failure is what this gives.</summary>
    private async ValueTask<ExceptionDispatchInfo?> StopAllAsync(CancellationToken patience)
    {
        ExceptionDispatchInfo? failure = null;
        await StepAsync(Workflows.StopAsync(patience)).ConfigureAwait(false);
        await StepAsync(Coordinator.StopAsync(patience)).ConfigureAwait(false);
        var limit = new GraceLimit(Coordinator.GracePeriod, _environment.TimeProvider, exception => Log.StopFailed(_logger, exception), patience);
        await using var watched = limit.ConfigureAwait(false);
        await DisconnectAsync(Bus.DisconnectAsync, "bus").ConfigureAwait(false);
        await DisconnectAsync(State.DisconnectAsync, "store").ConfigureAwait(false);
        return failure;

        // What hangs is told that nobody waits any more, left to itself, and heard to its end.
        async ValueTask DisconnectAsync(Func<CancellationToken, ValueTask> disconnect, string of)
        {
            if (!await limit.IsOverInTimeAsync(StepAsync(UntilAsync(disconnect, limit.Token)).AsTask()).ConfigureAwait(false))
            {
                Log.DisconnectLeft(_logger, of);
            }
        }

        static async ValueTask UntilAsync(Func<CancellationToken, ValueTask> disconnect, CancellationToken token)
        {
            try
            {
                await disconnect(token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (token.IsCancellationRequested)
            {
                // It did as it was told; or it has not begun at all, told from the start, as where nothing was left of the time.
                await disconnect(CancellationToken.None).ConfigureAwait(false);
            }
        }

        async ValueTask StepAsync(ValueTask step)
        {
            try
            {
                await step.ConfigureAwait(false);
            }
#pragma warning disable CA1031 // Given at the end.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.StopFailed(_logger, exception);
                failure ??= ExceptionDispatchInfo.Capture(exception);
            }
        }
    }
}
