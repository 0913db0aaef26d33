using Conductor.Messaging;

namespace Conductor.Testing;

/// <summary>What was published, and who waits for something to be published. Thread-safe.</summary>
internal sealed class MessageRecord
{
    private readonly Lock _gate = new();
    private readonly List<RecordedMessage> _messages = [];
    private readonly List<(Func<RecordedMessage, bool> Condition, TaskCompletionSource<RecordedMessage> Found)> _waiters = [];
    private readonly HashSet<long> _underWay = [];
    private long _lastNumber;

    public void Add(string channel, AgentMessage message) => Tell(Begin(channel, message));

    /// <summary>
    /// A message that another bus is about to take. It has its place from now on, before whatever its subscribers publish; whoever waits is told of it when
    /// it was taken.
    /// </summary>
    public RecordedMessage Begin(string channel, AgentMessage message)
    {
        lock (_gate)
        {
            var recorded = new RecordedMessage { Number = ++_lastNumber, Channel = channel, Message = message };
            _messages.Add(recorded);
            _underWay.Add(recorded.Number);
            return recorded;
        }
    }

    /// <summary>The other bus refused it: it was not published.</summary>
    public void TakeBack(RecordedMessage refused)
    {
        lock (_gate)
        {
            _underWay.Remove(refused.Number);
            _messages.RemoveAll(known => known.Number == refused.Number);
        }
    }

    /// <summary>It was taken: whoever waits for it has it.</summary>
    public void Tell(RecordedMessage recorded)
    {
        List<TaskCompletionSource<RecordedMessage>>? found = null;
        lock (_gate)
        {
            _underWay.Remove(recorded.Number);

            // Of a copy: a condition may cancel a wait, or begin another.
            foreach (var waiter in _waiters.ToArray())
            {
                if (Meets(waiter, recorded))
                {
                    (found ??= []).Add(waiter.Found);
                    _waiters.Remove(waiter);
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
            if (_messages.Find(message => !_underWay.Contains(message.Number) && condition(message)) is { } known)
            {
                return Task.FromResult(known);
            }

            waiter = new TaskCompletionSource<RecordedMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((condition, waiter));
        }

        return cancellationToken.CanBeCanceled ? WaitAsync(waiter, cancellationToken) : waiter.Task;
    }

    private async Task<RecordedMessage> WaitAsync(TaskCompletionSource<RecordedMessage> waiter, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(_ => Cancel(waiter, cancellationToken), null);
        return await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Its condition is asked no more: it may count, or use what is disposed of by then.</summary>
    private void Cancel(TaskCompletionSource<RecordedMessage> waiter, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _waiters.RemoveAll(waiting => waiting.Found == waiter);
        }

        waiter.TrySetCanceled(cancellationToken);
    }
}
