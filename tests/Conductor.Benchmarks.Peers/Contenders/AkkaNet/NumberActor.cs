using Akka.Actor;

namespace Conductor.Benchmarks.Peers.Contenders.AkkaNet;

/// <summary>Answers at once.</summary>
internal sealed class NumberActor : UntypedActor
{
    protected override void OnReceive(object message) => Sender.Tell(new Reply(((Request)message).Number + 1));
}
