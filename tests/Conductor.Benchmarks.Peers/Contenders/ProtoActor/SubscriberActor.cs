using Conductor.Benchmarks.Peers.Measuring;
using Proto;

namespace Conductor.Benchmarks.Peers.Contenders.ProtoActor;

/// <summary>Counts what it receives.</summary>
internal sealed class SubscriberActor(Subscriber subscriber) : IActor
{
    public Task ReceiveAsync(IContext context)
    {
        if (context.Message is Published message)
        {
            subscriber.Receive(message.Number);
        }

        return Task.CompletedTask;
    }
}
