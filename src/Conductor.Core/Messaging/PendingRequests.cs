namespace Conductor.Messaging;

/// <summary>
/// The requests that wait for an answer. One is answered only by a response to it: the correlation matches, it is not the request itself,
/// it answers this request by its header or is addressed to the requester (or to nobody), it has not expired, and it is the first.
/// </summary>
internal sealed class PendingRequests
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Pending>> _byCorrelation = new(StringComparer.Ordinal);
    private volatile int _count;

    public int Count => _count;

    public bool IsEmpty => _count == 0;

    /// <summary>
    /// A request begins to wait. A message that waits already (it is asked of two channels, or a handler asks on with the question that it got) is another
    /// one this time, in the same conversation: its answers would be taken for those of the first.
    /// </summary>
    public Pending Add(AgentMessage request)
    {
        Pending pending;
        lock (_gate)
        {
            var correlation = request.CorrelationId ?? request.Id;
            if (!_byCorrelation.TryGetValue(correlation, out var list))
            {
                _byCorrelation[correlation] = list = [];
            }

            var isKnown = list.Exists(other => string.Equals(other.Request.Id, request.Id, StringComparison.Ordinal));
            pending = new Pending(this, isKnown ? request with { Id = EntityId.New(), CorrelationId = correlation } : request, correlation);
            list.Add(pending);
            _count++;
        }

        return pending;
    }

    public bool TryComplete(AgentMessage message, DateTimeOffset now)
    {
        if (message.CorrelationId is not { } correlation || message.IsExpired(now))
        {
            return false;
        }

        Pending? match;
        lock (_gate)
        {
            if (!_byCorrelation.TryGetValue(correlation, out var list) || (match = list.Find(pending => IsAnswer(pending.Request, message))) is null)
            {
                return false;
            }

            Remove(match);
        }

        return match.Answer.TrySetResult(message);
    }

    public int FailAll(Func<AgentMessage, Exception> error)
    {
        List<Pending> all;
        lock (_gate)
        {
            all = [.. _byCorrelation.Values.SelectMany(static list => list)];
            _byCorrelation.Clear();
            _count = 0;
        }

        foreach (var pending in all)
        {
            pending.Answer.TrySetException(error(pending.Request));
        }

        return all.Count;
    }

    /// <summary>
    /// A response to it says so; or is no question itself, and is addressed to whoever asked, or to nobody and correlated with the very request:
    /// one that was made by hand.
    /// </summary>
    private static bool IsAnswer(AgentMessage request, AgentMessage message) =>
        !string.Equals(message.Id, request.Id, StringComparison.Ordinal)
        && (message.Headers.TryGetValue(MessageHeaders.InReplyTo, out var inReplyTo)
            ? string.Equals(inReplyTo, request.Id, StringComparison.Ordinal)
            : !message.Headers.ContainsKey(MessageHeaders.ReplyTo)
                && (string.Equals(message.Recipient, request.Sender, StringComparison.Ordinal)
                    || (message.Recipient is null && string.Equals(message.CorrelationId, request.Id, StringComparison.Ordinal))));

    private void Remove(Pending pending)
    {
        lock (_gate)
        {
            if (!_byCorrelation.TryGetValue(pending.CorrelationId, out var list) || !list.Remove(pending))
            {
                return;
            }

            _count--;
            if (list.Count == 0)
            {
                _byCorrelation.Remove(pending.CorrelationId);
            }
        }
    }

    /// <summary>One request that waits; disposed when nobody waits any more.</summary>
    internal sealed class Pending(PendingRequests owner, AgentMessage request, string correlation) : IDisposable
    {
        /// <summary>The request as it is published.</summary>
        public AgentMessage Request { get; } = request;

        public string CorrelationId { get; } = correlation;

        public TaskCompletionSource<AgentMessage> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Dispose() => owner.Remove(this);
    }
}
