using Conductor.Messaging;
using Conductor.Threading;

namespace Conductor.Coordination;

/// <content>Connecting bus and store, and listening. None of it is waited for beyond the grace period after somebody loses patience.</content>
public sealed partial class AgentCoordinator
{
    private readonly List<MessageSubscription> _subscriptions = [];

    /// <summary>
    /// Connects what is not connected, and listens for results. A bus or a store that does not heed that nobody waits any more is left to itself after the
    /// grace period.
    /// </summary>
    private async ValueTask ConnectAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Asked);
        var limit = NewLimit(either.Token);
        await using var watched = limit.ConfigureAwait(false);
        try
        {
            // Left behind by a start that failed.
            await UnsubscribeAsync(either.Token).ConfigureAwait(false);
            await UpToAsync(_bus.ConnectAsync(either.Token).AsTask(), limit.Token).ConfigureAwait(false);
            await UpToAsync(_state.ConnectAsync(either.Token).AsTask(), limit.Token).ConfigureAwait(false);

            // Bounded by the agents: each has one result under way at most. A result must not be dropped for want of room.
            var everyResult = new SubscriptionOptions { Capacity = int.MaxValue };
            _host.Results = await ListenAsync(_bus.SubscribeAsync(
                Channels.Results(Id), new ResultReceiver(FindSlot, _environment, _logger), everyResult, either.Token)).ConfigureAwait(false);
            await ListenAsync(_bus.SubscribeAsync(Channels.Broadcast, new BroadcastReceiver(PostToAll), options: null, either.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // By which of the two.
            cancellationToken.ThrowIfCancellationRequested();
            ThrowIfClosing();
            throw;
        }

        async ValueTask<MessageSubscription> ListenAsync(ValueTask<MessageSubscription> listening)
        {
            var subscribing = listening.AsTask();
            try
            {
                await UpToAsync(subscribing, limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                _ = EndLateAsync(subscribing);
                throw;
            }

            _subscriptions.Add(await subscribing.ConfigureAwait(false));
            return _subscriptions[^1];
        }
    }

    private Task UpToAsync(Task connecting, CancellationToken limit) =>
        connecting.WaitHeardAsync(Timeout.InfiniteTimeSpan, _time, exception => Log.LateConnectFailed(_logger, exception, Id), limit);

    /// <summary>Ends a subscription that nobody waited for any more, should it come about.</summary>
    private async Task EndLateAsync(Task<MessageSubscription> subscribing)
    {
        await ((Task)subscribing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (subscribing.IsCompletedSuccessfully)
        {
            await UnsubscribeAsync(await subscribing.ConfigureAwait(false)).ConfigureAwait(false);
        }
    }

    private async ValueTask UnsubscribeAsync(CancellationToken patience)
    {
        var limit = NewLimit(patience);
        await using var watched = limit.ConfigureAwait(false);
        foreach (var subscription in _subscriptions)
        {
            if (!await limit.IsOverInTimeAsync(UnsubscribeAsync(subscription)).ConfigureAwait(false))
            {
                Log.UnsubscribingLeft(_logger, Id, subscription.Channel);
            }
        }

        _subscriptions.Clear();
    }

    private async Task UnsubscribeAsync(MessageSubscription subscription)
    {
        try
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A bus that fails to end a subscription must not keep the rest from being stopped.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.UnsubscribeFailed(_logger, exception, Id);
        }
    }

    private GraceLimit NewLimit(CancellationToken patience) =>
        new(_options.CancellationGracePeriod, _time, exception => Log.CallbackFailed(_logger, exception), patience);
}
