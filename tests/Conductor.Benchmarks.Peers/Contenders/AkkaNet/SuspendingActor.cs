using Akka.Actor;

namespace Conductor.Benchmarks.Peers.Contenders.AkkaNet;

/// <summary>Answers after it suspended once; the next message waits.</summary>
internal sealed class SuspendingActor : ReceiveActor
{
    public SuspendingActor() => ReceiveAsync<Request>(async request =>
    {
        await Task.Yield();
        Sender.Tell(new Reply(request.Number + 1));
    });
}
