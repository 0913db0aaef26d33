using Mediator;

namespace Conductor.Benchmarks.Peers.Contenders.MediatorGenerated;

/// <summary>Answers at once.</summary>
public sealed class AskHandler : IRequestHandler<Ask, int>
{
    /// <inheritdoc />
    public ValueTask<int> Handle(Ask request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new(request.Number + 1);
    }
}
