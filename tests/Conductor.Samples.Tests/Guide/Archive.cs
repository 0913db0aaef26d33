namespace Conductor.Samples.Tests.Guide;

/// <summary>Stands for a scoped service, such as a database context: one belongs to one task.</summary>
internal sealed class Archive(Shelf shelf) : IDisposable
{
    public Task<string> KeepAsync(Draft draft, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(shelf.Add(draft.Title));
    }

    public void Dispose() => shelf.CountDisposal();
}
