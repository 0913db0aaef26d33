using Conductor.Threading;

namespace Conductor.Messaging;

/// <content>The connection: it may come and go until the bus is disposed.</content>
public abstract partial class MessageBus
{
    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private CancellationTokenSource _connection = new();
    private CancellationTokenSource _handling = new();
    private IDisposable? _observation;
    private volatile bool _connected;
    private volatile bool _disconnected;
    private volatile bool _disposed;
    private bool _isFreed;

    /// <summary>True between <see cref="ConnectAsync"/> and <see cref="DisconnectAsync"/>.</summary>
    public bool IsConnected => _connected;

    /// <summary>Cancelled when the bus is disconnected; a new one after the next connect.</summary>
    internal CancellationToken Disconnected { get; private set; } = new(canceled: true);

    /// <summary>The same for handlers, which may do anything as they are told: nobody waits for that.</summary>
    internal CancellationToken HandlersEnd { get; private set; } = new(canceled: true);

    /// <summary>Connects. Connecting a connected bus does nothing.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public async ValueTask ConnectAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_connected)
            {
                return;
            }

            await ConnectCoreAsync(cancellationToken).ConfigureAwait(false);
            if (_disposed)
            {
                // Its disposal did not wait for it any longer.
                await DisconnectCoreAsync(CancellationToken.None).ConfigureAwait(false);
                ObjectDisposedException.ThrowIf(_disposed, this);
            }

            _connection.Dispose();
            _connection = new CancellationTokenSource();
            Disconnected = _connection.Token;
            _handling = new CancellationTokenSource();
            HandlersEnd = _handling.Token;
            _observation = Environment.Instruments.ObserveBusQueue(CountQueued);
            (_connected, _disconnected) = (true, false);
            Log.Connected(Logger, GetType().Name);
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>
    /// Disconnects: nothing is delivered any more, every pending request fails with BUS_DISCONNECTED, subscriptions end. Disconnecting a
    /// disconnected bus does nothing. Handlers that run are told by their token and not waited for.
    /// </summary>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask DisconnectAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        await DisconnectInTurnAsync(cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask DisconnectInTurnAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!_connected)
            {
                return;
            }

            (_disconnected, _connected) = (true, false);
            MessageSubscription[] subscriptions;
            lock (_gate)
            {
                subscriptions = [.. _subscriptions];
                _subscriptions.Clear();
            }

            var dropped = subscriptions.Sum(static subscription => subscription.Close("disconnected"));
            var failed = _requests.FailAll(static request => new BusException(
                ErrorCodes.BusDisconnected,
                $"The bus was disconnected while request '{request.Id}' waited for its answer; its outcome is unknown. Connect and ask again."));
            await _connection.CancelQuietlyAsync(CallbackFailed).ConfigureAwait(false);
            _ = _handling.CancelQuietlyAsync(CallbackFailed);
            _observation?.Dispose();
            await DisconnectCoreAsync(cancellationToken).ConfigureAwait(false);
            Log.Disconnected(Logger, GetType().Name, dropped, failed);
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    private void CallbackFailed(Exception exception) => Log.CallbackFailed(Logger, exception);

    /// <summary>
    /// Disconnects for good, and frees what the provider holds. A connect or a disconnect that is under way is waited for for 5 seconds (event 1107).
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

            _connection.Dispose();
            GC.SuppressFinalize(this);
        }
    }
}
