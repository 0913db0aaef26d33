using Conductor.Diagnostics;
using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.State;

/// <summary>
/// The store: the one place where truth lives and processes meet. A save that returned is visible to every later read and survives what
/// <see cref="Durability"/> says. Saves of one key are atomic; a save from a stale version fails with STATE_CONFLICT and changes nothing;
/// what a read returns never aliases what another caller can change; lists come in pages.
/// </summary>
/// <remarks>
/// Thread-safe. A provider implements the <c>…CoreAsync</c> methods; checks and metrics are done here, alike for every provider. Any
/// failure other than a conflict or a rejection means that the outcome is unknown.
/// </remarks>
public abstract partial class StateManager : IAsyncDisposable
{
    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private volatile bool _connected;
    private volatile bool _disconnected;
    private volatile bool _disposed;
    private bool _isFreed;

    /// <summary>Makes a store.</summary>
    /// <param name="environment">Clock, loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    protected StateManager(ConductorEnvironment? environment = null)
    {
        Environment = environment ?? ConductorEnvironment.Default;
        Logger = Environment.LoggerFactory.CreateLogger(GetType().FullName ?? nameof(StateManager));
    }

    /// <summary>What a save that returned survives.</summary>
    public abstract DurabilityLevel Durability { get; }

    /// <summary>True when other processes share what is stored.</summary>
    public abstract bool IsShared { get; }

    /// <summary>
    /// Operations that wait for a disk or a network at this moment, roughly: a clock that is moved by hand, as in tests, should stand still as long
    /// as there are any. Thread-safe. Default: 0, as for a store that does everything at once.
    /// </summary>
    public virtual int OperationsUnderWay => 0;

    /// <summary>Leases on what is stored here.</summary>
    public abstract LeaseStore Leases { get; }

    /// <summary>Recorded values of effects.</summary>
    public abstract EffectStore Effects { get; }

    /// <summary>True between <see cref="ConnectAsync"/> and <see cref="DisconnectAsync"/>.</summary>
    public bool IsConnected => _connected;

    /// <summary>The logger of the provider.</summary>
    protected ILogger Logger { get; }

    /// <summary>Clock, loggers and meters.</summary>
    protected ConductorEnvironment Environment { get; }

    /// <summary>Connects. Connecting a connected store does nothing.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public async ValueTask ConnectAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_connected)
            {
                await ConnectCoreAsync(cancellationToken).ConfigureAwait(false);
                if (_disposed)
                {
                    // Its disposal did not wait for it any longer.
                    await DisconnectCoreAsync(CancellationToken.None).ConfigureAwait(false);
                    ObjectDisposedException.ThrowIf(_disposed, this);
                }

                (_connected, _disconnected) = (true, false);
                Log.Connected(Logger, GetType().Name, Durability);
            }
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>Disconnects. What was saved stays saved. Disconnecting a disconnected store does nothing.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask DisconnectAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        await DisconnectInTurnAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Disconnects for good, and frees what the provider holds. A connect or a disconnect that is under way is waited for for 5 seconds (event 1204).
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        try
        {
            if (await _lifecycle.TryWaitAsync(LimitedWait.DisposalPatience, Environment.TimeProvider).ConfigureAwait(false))
            {
                await DisconnectInTurnAsync(CancellationToken.None).ConfigureAwait(false);
            }
            else
            {
                Log.LeftConnecting(Logger, GetType().Name, LimitedWait.DisposalPatience);
            }
        }
        finally
        {
            if (!Interlocked.Exchange(ref _isFreed, true))
            {
                await DisposeCoreAsync().ConfigureAwait(false);
            }

            GC.SuppressFinalize(this);
        }
    }

    private async ValueTask DisconnectInTurnAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_connected)
            {
                (_disconnected, _connected) = (true, false);
                await DisconnectCoreAsync(cancellationToken).ConfigureAwait(false);
                Log.Disconnected(Logger, GetType().Name);
            }
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>A conflict: the save found another version than it expected.</summary>
    /// <param name="key">The store key.</param>
    /// <param name="expected">What was expected.</param>
    /// <param name="found">The version found; 0 for none.</param>
    protected static StateException Conflict(string key, StateExpectation expected, long found) => new(
        ErrorCodes.StateConflict,
        $"'{key}' was expected at {expected}, but the store has {(found == 0 ? "no record" : $"version {found}")}; nothing was changed. " +
        "Read it again and save what you make of that, or overwrite it by StateExpectation.Any.")
    {
        Key = key,
    };

    /// <summary>A lease that was lost.</summary>
    /// <param name="name">What is leased.</param>
    /// <param name="lease">The lease that was held.</param>
    protected internal static StateException LeaseLost(string name, Lease? lease) => new(
        ErrorCodes.LeaseLost,
        $"The lease on '{name}' (fence {lease?.Fence}) is no longer held by '{lease?.Owner}'; nothing was changed. Its new owner goes on from the last commit.")
    {
        Key = name,
    };

    /// <summary>What is asked of a store that is not connected, not yet or no longer: the message says which, and what to do.</summary>
    protected StateException NotConnected() => new(
        ErrorCodes.StateNotConnected,
        _disposed ? $"{GetType().Name} was disposed, with the container or the host that it belongs to, and can be asked for nothing any more. Ask " +
            "before that, or start Conductor anew."
        : _disconnected ? $"{GetType().Name} was disconnected, as Conductor or its host was stopped, and can be asked for nothing any more. Ask " +
            "before that, start Conductor anew, or connect it again by ConnectAsync."
        : $"{GetType().Name} is not connected. Call ConnectAsync first, or let the host or StartConductorAsync do it.");

    /// <summary>The execution that a dead letter is of, as its effects name it: they are kept as long as the letter.</summary>
    /// <param name="letter">The dead letter.</param>
    /// <returns><see cref="EffectKey.Scope"/> and <see cref="EffectKey.IdempotencyKey"/> of its effects; null where it has none.</returns>
    protected internal static (string Scope, string IdempotencyKey)? ExecutionOf(ErrorRecord letter)
    {
        ArgumentNullException.ThrowIfNull(letter);
        var key = letter.IdempotencyKey
            ?? (letter.Task is { } task ? new ExecutionKey(letter.WorkflowId, task.Id, letter.Round).ToIdempotencyKey(task.IdempotencyKey) : null);
        return key is null ? null : (letter.WorkflowId ?? key, key);
    }

    /// <summary>A step of a run that was deleted, and its lease with it: to whoever ran it, its lease was lost to nobody.</summary>
    /// <param name="workflowId">The run.</param>
    protected static StateException WasDeleted(string workflowId) => new(
        ErrorCodes.LeaseLost, $"Run '{workflowId}' was deleted while it was in progress; nothing was changed, and nobody goes on with it.")
    {
        Key = WorkflowKey(workflowId),
    };

    /// <summary>Connects the provider.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask ConnectCoreAsync(CancellationToken cancellationToken);

    /// <summary>Disconnects the provider.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask DisconnectCoreAsync(CancellationToken cancellationToken);

    /// <summary>Frees what the provider holds. Default: nothing.</summary>
    protected virtual ValueTask DisposeCoreAsync() => ValueTask.CompletedTask;

    /// <summary>Refuses what is asked of a store that is not connected.</summary>
    internal void ThrowIfNotConnected()
    {
        if (!_connected)
        {
            throw NotConnected();
        }
    }

    /// <summary>Runs an operation of the provider: only while connected, and measured if somebody measures.</summary>
    private ValueTask<T> Measure<TArgument, T>(
        string operation, TArgument argument, Func<StateManager, TArgument, CancellationToken, ValueTask<T>> core, CancellationToken cancellationToken)
    {
        ThrowIfNotConnected();
        cancellationToken.ThrowIfCancellationRequested();
        return Environment.Instruments.StateOperationDuration.Enabled
            ? MeasureListened(operation, argument, core, cancellationToken)
            : core(this, argument, cancellationToken);
    }

    /// <summary>The same while somebody measures. What the provider does at once is measured at once: in memory, that is everything.</summary>
    private ValueTask<T> MeasureListened<TArgument, T>(
        string operation, TArgument argument, Func<StateManager, TArgument, CancellationToken, ValueTask<T>> core, CancellationToken cancellationToken)
    {
        var startedAt = Environment.TimeProvider.GetTimestamp();
        ValueTask<T> running;
        try
        {
            running = core(this, argument, cancellationToken);
        }
#pragma warning disable CA1031 // It is thrown to whoever awaits the operation, like one that comes later.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            running = ValueTask.FromException<T>(exception);
        }

        if (!running.IsCompletedSuccessfully)
        {
            return AwaitMeasuredAsync(operation, startedAt, running);
        }

        RecordDuration(operation, startedAt);
        return running;
    }

    private async ValueTask<T> AwaitMeasuredAsync<T>(string operation, long startedAt, ValueTask<T> running)
    {
        T value;
        try
        {
            value = await running.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            RecordDuration(operation, startedAt, (exception as ConductorException)?.ErrorCode ?? exception.GetType().FullName);
            throw;
        }

        RecordDuration(operation, startedAt);
        return value;
    }

    private void RecordDuration(string operation, long startedAt, string? errorType = null)
    {
        var duration = Environment.TimeProvider.GetElapsedTime(startedAt).TotalSeconds;
        var operationTag = new KeyValuePair<string, object?>(ConductorTelemetry.Tags.Operation, operation);
        if (errorType is null)
        {
            Environment.Instruments.StateOperationDuration.Record(duration, operationTag);
        }
        else
        {
            Environment.Instruments.StateOperationDuration.Record(duration, operationTag, new(ConductorTelemetry.Tags.ErrorType, errorType));
        }
    }
}
