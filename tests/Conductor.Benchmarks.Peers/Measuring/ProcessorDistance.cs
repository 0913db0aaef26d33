using System.Diagnostics;

namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>
/// How long a cache line takes from one of two processors to the other and back. A virtual machine's processors are moved: they share a cache in one
/// minute and not in the next, and whatever hands work from thread to thread takes up to 2.5 times as long then. So a turn is taken while they are near
/// each other, whoever's it is. (With more than two processors nobody knows which two a process will use, and with one there is no distance: then every
/// turn counts as it comes.)
/// </summary>
internal sealed class ProcessorDistance
{
    /// <summary>A round trip within a cache that both share takes some 50 to 150 ns; between caches, 300 and more.</summary>
    public const double NearNanoseconds = 250;

    /// <summary>A turn is taken so often at most.</summary>
    public const int MaxTurns = 5;

    // One of several has to be short: one that was interrupted says nothing.
    private const int Batches = 10;
    private const int RoundTripsPerBatch = 10_000;

    /// <summary>After so many looks the other thread may be waiting for the processor that this one has.</summary>
    private const int LooksBeforeYield = 10_000;

    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(60);

    /// <summary>No batch takes so long, except where both threads share a processor.</summary>
    private static readonly TimeSpan _longestBatch = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether waiting is worth while: not after it was in vain, until they are near again.</summary>
    private bool _waits = true;

    /// <summary>Turns that count.</summary>
    public int Turns { get; private set; }

    /// <summary>Those of them before and after which the processors were near each other.</summary>
    public int NearTurns { get; private set; }

    /// <summary>Takes a turn while the processors are near each other, and again if they were moved meanwhile. A turn that failed is not taken again.</summary>
    /// <param name="turn">The turn: what was measured, or why nothing was.</param>
    public async Task<(Measurement? Measurement, string? Error)> TakeTurnAsync(Func<Task<(Measurement? Measurement, string? Error)>> turn)
    {
        if (Environment.ProcessorCount != 2)
        {
            return await turn();
        }

        for (var count = 1; ; count++)
        {
            var wasNear = await WaitUntilNearAsync();
            var result = await turn();
            if (result.Measurement is null)
            {
                return result;
            }

            var isNear = wasNear && IsNear();
            if (isNear || !wasNear || count == MaxTurns)
            {
                Turns++;
                NearTurns += isNear ? 1 : 0;
                return result;
            }

            await Console.Error.WriteAsync("(again) ");
        }
    }

    private async Task<bool> WaitUntilNearAsync()
    {
        var begunAt = Stopwatch.GetTimestamp();
        while (!IsNear())
        {
            if (!_waits || Stopwatch.GetElapsedTime(begunAt) >= _longestWait)
            {
                return _waits = false;
            }

            await Task.Delay(_pause);
        }

        return _waits = true;
    }

    private static bool IsNear() => Enumerable.Range(0, Batches).Any(static _ => RoundTripNanoseconds() < NearNanoseconds);

    /// <summary>Two threads count in turns, the other one the even numbers.</summary>
    private static double RoundTripNanoseconds()
    {
        var count = 0;
        var begunAt = Stopwatch.GetTimestamp();
        var other = new Thread(() =>
        {
            for (var turn = 1; turn < 2 * RoundTripsPerBatch && Await(ref count, turn, begunAt); turn += 2)
            {
                Volatile.Write(ref count, turn + 1);
            }
        });
        other.Start();

        // The first round trip waits for the other thread to start.
        Volatile.Write(ref count, 1);
        var goesOn = Await(ref count, 2, begunAt);
        var startedAt = Stopwatch.GetTimestamp();
        for (var turn = 3; turn < 2 * RoundTripsPerBatch && goesOn; turn += 2)
        {
            Volatile.Write(ref count, turn);
            goesOn = Await(ref count, turn + 1, begunAt);
        }

        var elapsed = Stopwatch.GetElapsedTime(startedAt);
        other.Join();
        return goesOn ? elapsed.TotalNanoseconds / (RoundTripsPerBatch - 1) : double.PositiveInfinity;
    }

    /// <summary>Waits for the other thread.</summary>
    /// <returns>False when the batch takes too long.</returns>
    private static bool Await(ref int count, int value, long begunAt)
    {
        for (var looks = 0; Volatile.Read(ref count) != value; looks++)
        {
            if (looks == LooksBeforeYield)
            {
                if (Stopwatch.GetElapsedTime(begunAt) > _longestBatch)
                {
                    return false;
                }

                Thread.Yield();
                looks = 0;
            }
        }

        return true;
    }
}
