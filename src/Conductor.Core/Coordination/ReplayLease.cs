using Conductor.Messaging;
using Conductor.State;
using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>
/// The right to replay a dead letter. It is renewed three times in its term for as long as the replay takes, so that nobody replays the letter beside it, and
/// half a minute after its process died anybody can. A store that cannot be written is asked again at the next turn; only a lease that another has taken is
/// lost: then the task is run there from its begin, and what is done here ends.
/// </summary>
internal sealed class ReplayLease : IAsyncDisposable, IDispatchOwner
{
    /// <summary>For how long it is taken.</summary>
    public static readonly TimeSpan Term = TimeSpan.FromSeconds(30);

    private readonly LeaseStore _leases;
    private readonly HeldLease _lease;
    private readonly string _letterId;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly PeriodicLoop _renewal;
    private readonly CancellationTokenSource _ending;
    private CancellationTokenRegistration _stop;
    private volatile bool _isLost;

    private ReplayLease(LeaseStore leases, HeldLease lease, string letterId, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        (_leases, _lease, _letterId, _time, _logger) = (leases, lease, letterId, time, logger);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _renewal = new PeriodicLoop(Term / 3, time, RenewAsync);
    }

    /// <inheritdoc />
    bool IDispatchOwner.IsStopping => false;

    /// <inheritdoc />
    HeldLease? IDispatchOwner.Lease => _lease;

    /// <inheritdoc />
    IBeginning? IDispatchOwner.NoteRetry(TaskRetry retry) => null;

    /// <summary>Cancelled when the replay is, or when the lease was lost.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>What is thrown when it was lost.</summary>
    public StateException Lost => new(
        ErrorCodes.LeaseLost,
        $"Dead letter '{_letterId}' is being replayed by somebody else: the lease was not renewed for {Term}. The task was cancelled here; look " +
            "for its result there.")
    {
        Key = _lease.Current.Name,
    };

    /// <summary>Takes the lease and begins to renew it.</summary>
    /// <param name="leases">The store's leases.</param>
    /// <param name="watched">Those of other replays, as they are seen from here.</param>
    /// <param name="letterId">The dead letter.</param>
    /// <param name="owner">Who replays it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Is told of what goes wrong in the background.</param>
    /// <param name="aborted">Ends the renewal, whether or not the replay has ended.</param>
    /// <param name="cancellationToken">Cancels the replay.</param>
    /// <returns>The lease, or null when somebody replays the letter.</returns>
    public static async ValueTask<ReplayLease?> TryTakeAsync(
        LeaseStore leases,
        WatchedLeases watched,
        string letterId,
        string owner,
        TimeProvider time,
        ILogger logger,
        CancellationToken aborted,
        CancellationToken cancellationToken)
    {
        var askedAt = time.GetTimestamp();
        if (await watched.TryTakeAsync(leases, NameOf(letterId), owner, cancellationToken).ConfigureAwait(false) is not { } lease)
        {
            return null;
        }

        var held = new ReplayLease(leases, new HeldLease(lease, askedAt, time, Term), letterId, time, logger, cancellationToken);
        held._renewal.EnsureStarted();
        held._stop = aborted.UnsafeRegister(static loop => _ = ((PeriodicLoop)loop!).StopAsync().AsTask(), held._renewal);
        return held;
    }

    /// <summary>What is leased for a dead letter.</summary>
    public static string NameOf(string letterId) => $"replay:{letterId}";

    /// <inheritdoc />
    public async ValueTask EnsureOwnsAsync()
    {
        // A store that cannot be asked knows of nobody else either.
        if (!_lease.IsFresh)
        {
            await RenewAsync(CancellationToken.None).ConfigureAwait(false);
        }

        if (_isLost)
        {
            throw new OperationCanceledException("Somebody else replays the dead letter.");
        }
    }

    /// <inheritdoc />
    string? IDispatchOwner.LetterIdOf(TaskAssignment assignment) => null;

    /// <summary>Ends the renewal and gives the lease back. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.DisposeAsync().ConfigureAwait(false);
        await _renewal.StopAsync().ConfigureAwait(false);
        _ending.Dispose();
        try
        {
            await _leases.ReleaseAsync(_lease.Current, CancellationToken.None).InTimeAsync(
                Term / 3,
                _time,
                $"the lease on the replay of dead letter '{_letterId}' was to be given back.",
                _lease.Current.Name,
                exception => Log.ReplayLeaseNotReleased(_logger, exception, _letterId, Term),
                CancellationToken.None).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // It runs out by itself; what the replay came to is worth more.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ReplayLeaseNotReleased(_logger, exception, _letterId, Term);
        }
    }

    private async ValueTask LoseAsync()
    {
        // First: who finds it lost finds it ended.
        var ended = _ending.CancelQuietlyAsync(exception => Log.CallbackFailed(_logger, exception));
        _isLost = true;
        Log.ReplayLeaseLost(_logger, _letterId);
        await ended.ConfigureAwait(false);
    }

    private async ValueTask RenewAsync(CancellationToken cancellationToken)
    {
        if (_isLost)
        {
            return;
        }

        try
        {
            // A store that hangs does not keep the replay from ending: it is not waited for, and what it answers later counts all the same.
            if (!await _lease.TryRenewAsync(_leases, exception => Log.ReplayLeaseNotRenewed(_logger, exception, _letterId),
                cancellationToken).ConfigureAwait(false))
            {
                await LoseAsync().ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // In the background: it does not fail the replay, and is tried again at the next turn.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.ReplayLeaseNotRenewed(_logger, exception, _letterId);
        }
    }
}
