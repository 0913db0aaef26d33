using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Scenarios;

/// <summary>An operation is the delivery of one message to one subscriber.</summary>
internal sealed class PublishWorkload(IPublishContender contender, Delivery delivery) : Workload
{
    public override double RequestsPerOperation => 1.0 / delivery.Subscribers.Count;

    protected override int Granularity => delivery.MessagesPerBatch * delivery.Subscribers.Count;

    public override async Task RunAsync(int operations)
    {
        for (var batch = 0; batch < operations / Granularity; batch++)
        {
            var received = delivery.Begin();
            await contender.PublishAsync(delivery.MessagesPerBatch);
            await received;
        }
    }

    public override object? CreateRequest(int number) => contender.CreateMessage(number);
}
