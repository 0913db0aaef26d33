using Akka.Actor;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Contenders.AkkaNet;

/// <summary>Counts what it receives.</summary>
internal sealed class SubscriberActor(Subscriber subscriber) : UntypedActor
{
    protected override void OnReceive(object message) => subscriber.Receive(((Published)message).Number);
}
