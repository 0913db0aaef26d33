using System.Diagnostics;

namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>One caller that makes its calls one after the other: it gives out the numbers, checks what comes back and takes the time.</summary>
internal sealed class Caller(int index, int calls, LatencyHistogram latencies)
{
    /// <summary>Two timestamps cost more than the cheapest calls here: only one call in so many is timed by itself.</summary>
    private const int SampleEvery = 8;

    private int _number = -1;
    private long _startedAt;

    /// <summary>The place of the caller and of its call in a round robin over callees.</summary>
    public int Turn => index + _number;

    /// <summary>Begins the next call.</summary>
    /// <param name="number">What to send.</param>
    /// <returns>False when there was the last one.</returns>
    public bool Next(out int number)
    {
        number = ++_number;
        if (number % SampleEvery == 0)
        {
            _startedAt = Stopwatch.GetTimestamp();
        }

        return number < calls;
    }

    /// <summary>Ends the call.</summary>
    /// <param name="result">What came back.</param>
    public void Done(int result)
    {
        if (_number % SampleEvery == 0)
        {
            latencies.AddSince(_startedAt);
        }

        if (result != _number + 1)
        {
            throw new InvalidOperationException($"{_number} went in and {result} came out.");
        }
    }
}
