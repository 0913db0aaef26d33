namespace Conductor.Benchmarks.Peers.Contenders.OrleansGrains;

/// <summary>Not reentrant: one call at a time.</summary>
public sealed class NumberGrain : Grain, INumberGrain
{
    /// <inheritdoc />
    public ValueTask<int> NextAsync(int number) => new(number + 1);

    /// <inheritdoc />
    public async ValueTask<int> NextLaterAsync(int number)
    {
        await Task.Yield();
        return number + 1;
    }
}
