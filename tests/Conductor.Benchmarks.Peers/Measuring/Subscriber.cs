namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>Counts what one subscriber receives. Called by one message at a time.</summary>
internal sealed class Subscriber(Delivery delivery)
{
    private int _count;
    private long _sum;

    public void Receive(int number)
    {
        _sum += number;
        if (++_count == delivery.MessagesPerBatch)
        {
            var sum = _sum;
            (_count, _sum) = (0, 0);
            delivery.Complete(sum);
        }
    }
}
