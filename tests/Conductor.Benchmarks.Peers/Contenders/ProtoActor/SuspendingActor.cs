using Proto;

namespace Conductor.Benchmarks.Peers.Contenders.ProtoActor;

/// <summary>Answers after it suspended once; the next message waits.</summary>
internal sealed class SuspendingActor : IActor
{
    public async Task ReceiveAsync(IContext context)
    {
        if (context.Message is Request request)
        {
            await Task.Yield();
            context.Respond(new Reply(request.Number + 1));
        }
    }
}
