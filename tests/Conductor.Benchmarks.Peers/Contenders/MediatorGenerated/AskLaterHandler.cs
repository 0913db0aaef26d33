using Mediator;

namespace Conductor.Benchmarks.Peers.Contenders.MediatorGenerated;

/// <summary>Answers after it suspended once.</summary>
public sealed class AskLaterHandler : IRequestHandler<AskLater, int>
{
    /// <inheritdoc />
    public async ValueTask<int> Handle(AskLater request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        await Task.Yield();
        return request.Number + 1;
    }
}
