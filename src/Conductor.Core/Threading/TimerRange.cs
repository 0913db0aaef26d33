namespace Conductor.Threading;

/// <summary>The times that timers of .NET take: from 1 to 4,294,967,294 milliseconds, some 49 days.</summary>
internal static class TimerRange
{
    public static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    /// <summary>This time, or the longest that a timer takes: for whoever looks again then.</summary>
    public static TimeSpan AtMost(TimeSpan time) => time < Longest ? time : Longest;

    /// <summary>What is wrong with a setting that a timer is set to, if anything.</summary>
    /// <param name="setting">The setting, as it is quoted.</param>
    /// <param name="value">Its value.</param>
    /// <param name="least">The least that it may be. Default: <see cref="Shortest"/>.</param>
    public static IEnumerable<string> Problems(string setting, TimeSpan value, TimeSpan? least = null)
    {
        var from = least ?? Shortest;
        if (value < from || value > Longest)
        {
            yield return $"{setting} is {value}; set it to {from} up to {Longest}: timers take no more.";
        }
    }
}
