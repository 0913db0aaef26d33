using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Contenders;

/// <summary>Can be called: a number goes in, the number after it comes out.</summary>
internal interface ICallContender
{
    /// <summary>Adds workers (agents, actors, grains), all ready when this returns.</summary>
    /// <param name="count">How many.</param>
    /// <param name="suspending">Whether each suspends once for each call.</param>
    Task AddWorkersAsync(int count, bool suspending);

    /// <summary>Calls until the caller has had enough: the loop is the contender's, so that nothing of ours stands between caller and callee.</summary>
    Task CallAsync(Caller caller);

    /// <summary>What a caller allocates by itself for a call, or null when that is nothing.</summary>
    object? CreateRequest(int number);
}
