namespace Conductor.Benchmarks.Peers.Contenders.OrleansGrains;

/// <summary>The grain that is called. Public because Orleans generates a proxy of it.</summary>
public interface INumberGrain : IGrainWithIntegerKey
{
    /// <summary>Answers at once.</summary>
    /// <param name="number">Any number.</param>
    ValueTask<int> NextAsync(int number);

    /// <summary>Answers after it suspended once.</summary>
    /// <param name="number">Any number.</param>
    ValueTask<int> NextLaterAsync(int number);
}
