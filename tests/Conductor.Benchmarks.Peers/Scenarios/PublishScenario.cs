using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Scenarios;

/// <summary>One publisher, and subscribers with a queue each.</summary>
internal sealed record PublishScenario(string Name, string Group, int Subscribers) : Scenario(Name, Group)
{
    /// <summary>So many messages may be under way: well within every bounded queue here, so nobody drops any.</summary>
    private const int MessagesPerBatch = 1_000;

    public override async Task<Workload> OpenAsync(Contender contender)
    {
        var publishing = (IPublishContender)contender;
        var delivery = new Delivery(MessagesPerBatch, Subscribers);
        await publishing.SubscribeAsync(delivery.Subscribers);
        return new PublishWorkload(publishing, delivery);
    }

    protected override bool CanRun(Contender contender) => contender is IPublishContender;
}
