using Conductor.Threading;

namespace Conductor.Messaging;

/// <content>Requests and their answers.</content>
public abstract partial class MessageBus
{
    private readonly PendingRequests _requests = new();

    /// <summary>Requests that wait for their answer.</summary>
    public int PendingRequestCount => _requests.Count;

    /// <summary>
    /// Publishes a request and waits for the first response to it. A request that timed out has an unknown outcome and is never resent by
    /// itself.
    /// </summary>
    /// <param name="channel">The channel; see <see cref="Channels"/>.</param>
    /// <param name="message">The request.</param>
    /// <param name="timeout">How long to wait. Default: <see cref="MessageBusOptions.RequestTimeout"/> (30 s).</param>
    /// <param name="cancellationToken">Gives up; leaves nothing behind.</param>
    /// <returns>The response.</returns>
    /// <exception cref="BusException">The bus is not connected, was disconnected meanwhile, or no answer came in time.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout, or the time to live of the message, is not over zero.</exception>
    public async ValueTask<AgentMessage> RequestAsync(
        string channel, AgentMessage message, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        ArgumentNullException.ThrowIfNull(message);
        ThrowIfNeverDelivered(message);
        var limit = timeout ?? _options.RequestTimeout;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, nameof(timeout));
        ThrowIfDisconnected();
        cancellationToken.ThrowIfCancellationRequested();
        var request = message with
        {
            Headers = new Dictionary<string, string>(message.Headers, StringComparer.Ordinal) { [MessageHeaders.ReplyTo] = Channels.Reply(BusId) },
        };
        using var pending = _requests.Add(request);
        var answer = PublishAndWaitAsync(channel, pending, cancellationToken);
        try
        {
            return await answer.WaitAsync(TimerRange.AtMost(limit), Environment.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            if (answer.IsCompleted)
            {
                // It came in the moment in which the wait ended, or failed with this itself: what it says counts.
                return await answer.ConfigureAwait(false);
            }

            answer.HearFailure(late => Log.RequestFailedLate(Logger, late, pending.Request.Id, channel));
            if (exception is OperationCanceledException)
            {
                throw;
            }

            throw new BusException(
                ErrorCodes.RequestTimeout,
                FormattableString.Invariant(
                    $"Request '{pending.Request.Id}' on '{channel}' was not answered within {limit.TotalSeconds:0.###} s; its outcome is unknown. ") +
                "See that somebody answers on that channel, or allow more time (timeout, or MessageBusOptions.RequestTimeout).");
        }
    }

    /// <summary>Publishes a response where its requester waits for it, whichever bus that is.</summary>
    /// <param name="request">The request as it was received.</param>
    /// <param name="response">What <see cref="AgentMessage.CreateResponse"/> made of it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="BusException">The bus is not connected.</exception>
    /// <exception cref="ArgumentException">It is no request: nobody waits for an answer to it.</exception>
    public ValueTask RespondAsync(AgentMessage request, AgentMessage response, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(response);
        return request.Headers.TryGetValue(MessageHeaders.ReplyTo, out var channel)
            ? PublishAsync(channel, response, cancellationToken)
            : throw new ArgumentException($"Message '{request.Id}' is no request: nobody waits for an answer to it.", nameof(request));
    }

    /// <summary>
    /// Answers a request of this bus, if the message is a response to one. Publishing does so for what passes through this process; a
    /// provider calls it for what arrives on <c>Channels.Reply(BusId)</c>.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <returns>Whether it answered one.</returns>
    protected bool TryCompleteRequest(AgentMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return _requests.TryComplete(message, Environment.TimeProvider.GetUtcNow());
    }

    private async Task<AgentMessage> PublishAndWaitAsync(string channel, PendingRequests.Pending pending, CancellationToken cancellationToken)
    {
        await PublishAsync(channel, pending.Request, cancellationToken).ConfigureAwait(false);
        return await pending.Answer.Task.ConfigureAwait(false);
    }
}
