using System.Diagnostics;

namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>
/// How long a line of memory takes from one processor to another and back. A virtual machine's processors are moved: they share a cache in one minute and not in the next,
/// and whatever hands work from thread to thread then takes more than twice as long. So every turn is measured while they are near each other.
/// </summary>
internal sealed class ProcessorDistance
{
    /// <summary>A round trip within a cache that both share takes some 50 to 150 ns; between caches, 300 and more.</summary>
    public const double NearNanoseconds = 250;

    private const int RoundTrips = 100_000;

    /// <summary>A turn is taken again so often at most.</summary>
    private const int MaxTurns = 5;

    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(60);

    private bool _wasNear;

    /// <summary>Turns that count.</summary>
    public int Turns { get; private set; }

    /// <summary>Those of them before or after which the processors were far from each other.</summary>
    public int FarTurns { get; private set; }

    /// <summary>Takes a turn while the processors are near each other; again, if they were moved meanwhile. Where they are never near, it does not wait for it.</summary>
    public async Task<T> TakeTurnAsync<T>(Func<Task<T>> turn)
    {
        for (var count = 1; ; count++)
        {
            var isNear = await WaitUntilNearAsync();
            var result = await turn();
            isNear &= IsNear();
            if (isNear || count == MaxTurns || !_wasNear)
            {
                Turns++;
                FarTurns += isNear ? 0 : 1;
                return result;
            }
        }
    }

    private async Task<bool> WaitUntilNearAsync()
    {
        var longestWait = _wasNear || Turns == 0 ? _longestWait : TimeSpan.Zero;
        var begunAt = Stopwatch.GetTimestamp();
        while (!IsNear())
        {
            if (Stopwatch.GetElapsedTime(begunAt) >= longestWait)
            {
                return false;
            }

            await Task.Delay(_pause);
        }

        return true;
    }

    private bool IsNear()
    {
        var isNear = RoundTripNanoseconds() < NearNanoseconds;
        _wasNear |= isNear;
        return isNear;
    }

    /// <summary>Two threads count in turns.</summary>
    private static double RoundTripNanoseconds()
    {
        if (Environment.ProcessorCount == 1)
        {
            return 0;
        }

        var count = 0;
        var other = new Thread(() =>
        {
            for (var turn = 1; turn < 2 * RoundTrips; turn += 2)
            {
                Await(ref count, turn);
                Volatile.Write(ref count, turn + 1);
            }
        });
        other.Start();
        Volatile.Write(ref count, 1);
        Await(ref count, 2);
        var startedAt = Stopwatch.GetTimestamp();
        for (var turn = 3; turn < 2 * RoundTrips; turn += 2)
        {
            Volatile.Write(ref count, turn);
            Await(ref count, turn + 1);
        }

        var elapsed = Stopwatch.GetElapsedTime(startedAt);
        other.Join();
        return elapsed.TotalNanoseconds / (RoundTrips - 1);
    }

    private static void Await(ref int count, int value)
    {
        while (Volatile.Read(ref count) != value)
        {
            // The other one needs a processor, and it may not have one yet.
            Thread.SpinWait(1);
        }
    }
}
