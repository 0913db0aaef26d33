using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>
/// Waits of dispatches for what is no agent and no capacity (the time of their next attempt, a policy's answer), which end early where whoever
/// dispatched them stops. Thread-safe.
/// </summary>
internal sealed class EndableWaits(TimeProvider time, WaitingLimit limit, ILogger logger)
{
    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;
    private readonly Lock _gate = new();
    private readonly HashSet<Wait> _waits = [];

    /// <summary>Begins a wait.</summary>
    /// <param name="ticket">The dispatch.</param>
    /// <param name="patience">How long it may take; null for as long as it takes.</param>
    /// <param name="cancellationToken">Ends it, too.</param>
    /// <returns>The wait. Over when it is disposed.</returns>
    public Wait Enter(DispatchTicket ticket, TimeSpan? patience, CancellationToken cancellationToken)
    {
        var wait = new Wait(this, ticket, patience, cancellationToken);
        lock (_gate)
        {
            _waits.Add(wait);
        }

        if (limit.IsClosed || ticket.IsToBeGivenBack)
        {
            // Those who waited were told, and this one was perhaps not among them.
            wait.End();
        }

        return wait;
    }

    /// <summary>Ends the waits that meet a condition.</summary>
    public void End(Func<DispatchTicket, bool> condition)
    {
        lock (_gate)
        {
            foreach (var wait in _waits)
            {
                if (condition(wait.Ticket))
                {
                    // What follows is the dispatch, which must not run under the lock.
                    wait.End();
                }
            }
        }
    }

    /// <summary>A wait under way.</summary>
    public sealed class Wait : IDisposable
    {
        private readonly EndableWaits _all;
        private readonly CancellationTokenSource _end;
        private readonly CancellationTokenRegistration _caller;
        private readonly LongTimer? _timer;

        public Wait(EndableWaits all, DispatchTicket ticket, TimeSpan? patience, CancellationToken cancellationToken)
        {
            (_all, Ticket, _end) = (all, ticket, new CancellationTokenSource());
            Token = _end.Token;
            _caller = cancellationToken.UnsafeRegister(static wait => ((Wait)wait!).End(), this);
            _timer = patience is { } left ? new LongTimer(all._time, left, static wait => ((Wait)wait).End(), this) : null;
        }

        public DispatchTicket Ticket { get; }

        /// <summary>Cancelled when the wait is to end.</summary>
        public CancellationToken Token { get; }

        /// <summary>Ends it. What a policy registered on its token may throw.</summary>
        public void End() => _ = _end.CancelQuietlyAsync(exception => Log.PolicyCallbackFailed(_all._logger, exception, Ticket.Task.Id));

        /// <inheritdoc />
        public void Dispose()
        {
            lock (_all._gate)
            {
                _all._waits.Remove(this);
            }

            _timer?.Dispose();
            _caller.Dispose();
            _end.Dispose();
        }
    }
}
