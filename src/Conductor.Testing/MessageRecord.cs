using Conductor.Messaging;

namespace Conductor.Testing;

/// <summary>What was published, and who waits for something to be published. Thread-safe.</summary>
internal sealed class MessageRecord
{
    private readonly Lock _gate = new();
    private readonly List<RecordedMessage> _messages = [];
    private readonly List<(Func<RecordedMessage, bool> Condition, TaskCompletionSource<RecordedMessage> Found)> _waiters = [];
    private long _lastNumber;

    public void Add(string channel, AgentMessage message)
    {
        List<TaskCompletionSource<RecordedMessage>>? found = null;
        RecordedMessage recorded;
        lock (_gate)
        {
            recorded = new RecordedMessage { Number = ++_lastNumber, Channel = channel, Message = message };
            _messages.Add(recorded);
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (Meets(_waiters[i], recorded))
                {
                    (found ??= []).Add(_waiters[i].Found);
                    _waiters.RemoveAt(i);
                }
            }
        }

        found?.ForEach(waiter => waiter.TrySetResult(recorded));
    }

    /// <summary>A condition that throws is whoever's who waits, not whoever's who publishes.</summary>
    private static bool Meets((Func<RecordedMessage, bool> Condition, TaskCompletionSource<RecordedMessage> Found) waiter, RecordedMessage recorded)
    {
        try
        {
            return waiter.Condition(recorded);
        }
#pragma warning disable CA1031 // It is thrown to whoever waits.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            waiter.Found.TrySetException(exception);
            return true;
        }
    }

    public IReadOnlyList<RecordedMessage> Where(Func<RecordedMessage, bool> condition)
    {
        lock (_gate)
        {
            return [.. _messages.Where(condition)];
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _messages.Clear();
        }
    }

    public Task<RecordedMessage> WaitForAsync(Func<RecordedMessage, bool> condition, CancellationToken cancellationToken)
    {
        TaskCompletionSource<RecordedMessage> waiter;
        lock (_gate)
        {
            if (_messages.Find(message => condition(message)) is { } known)
            {
                return Task.FromResult(known);
            }

            waiter = new TaskCompletionSource<RecordedMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((condition, waiter));
        }

        return waiter.Task.WaitAsync(cancellationToken);
    }
}
