using Proto;

namespace Conductor.Benchmarks.Peers.Contenders.ProtoActor;

/// <summary>Answers at once.</summary>
internal sealed class NumberActor : IActor
{
    public Task ReceiveAsync(IContext context)
    {
        if (context.Message is Request request)
        {
            context.Respond(new Reply(request.Number + 1));
        }

        return Task.CompletedTask;
    }
}
