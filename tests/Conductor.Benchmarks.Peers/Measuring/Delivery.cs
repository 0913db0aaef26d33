namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>Batches of messages that each subscriber must receive whole before the next batch goes out.</summary>
internal sealed class Delivery
{
    private TaskCompletionSource _received = new();
    private int _missing;

    public Delivery(int messagesPerBatch, int subscribers)
    {
        MessagesPerBatch = messagesPerBatch;
        Subscribers = [.. Enumerable.Range(0, subscribers).Select(_ => new Subscriber(this))];
    }

    public int MessagesPerBatch { get; }

    public IReadOnlyList<Subscriber> Subscribers { get; }

    /// <summary>Begins a batch.</summary>
    /// <returns>What completes when every subscriber has received all of it.</returns>
    public Task Begin()
    {
        _missing = Subscribers.Count;
        _received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _received.Task;
    }

    /// <summary>A subscriber has as many messages as there are in a batch.</summary>
    /// <param name="sum">The sum of their numbers: the right number of wrong messages is not the batch.</param>
    public void Complete(long sum)
    {
        if (sum != (long)MessagesPerBatch * (MessagesPerBatch - 1) / 2)
        {
            _received.TrySetException(new InvalidOperationException($"A subscriber received numbers that add up to {sum}: not each message once."));
        }
        else if (Interlocked.Decrement(ref _missing) == 0)
        {
            _received.TrySetResult();
        }
    }
}
