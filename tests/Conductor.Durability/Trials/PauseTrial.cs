namespace Conductor.Durability.Trials;

/// <summary>
/// Pauses a process for longer than its leases last, lets another take its runs over, and wakes it up. With the fence switched off the same
/// must show doubles, or the trial proves nothing.
/// </summary>
internal static class PauseTrial
{
    private const int Workflows = 12;
    private static readonly TimeSpan _lease = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    public static async Task<Outcome> RunAsync(string folder, int rounds, bool fence)
    {
        List<Verdict> verdicts = [];
        var (pauses, complaints) = (0, new List<string>());
        for (var round = 0; pauses < rounds && round < rounds * 5 && complaints.Count == 0; round++)
        {
            var options = new WorkerOptions
            {
                Database = Path.Combine(folder, $"{round}", "conductor.db"),
                Logs = Path.Combine(folder, $"{round}", "logs"),
                Workflows = Workflows,
                Fence = fence,
                Lease = _lease,
                TaskMilliseconds = 200,
            };
            Directory.CreateDirectory(options.Logs);
            using var zombie = Victim.Start(options);
            await WaitForExecutionsAsync(options.Logs, zombie);
            zombie.Pause();
            using var heir = Victim.Start(options);
            await Task.Delay(_lease * 4);
            pauses += await TakesOverAsync(options.Logs) ? 1 : 0;
            zombie.GoOn();
            var ends = await Task.WhenAll(heir.ComplaintAsync(_limit), zombie.ComplaintAsync(_limit));
            complaints.AddRange(ends.OfType<string>());

            verdicts.Add(await Verdict.OfAsync(options.Database, options.Logs, Workflows, mustComplete: fence));
        }

        var sum = Verdict.Sum(verdicts);
        return new Outcome(
            complaints.Count == 0 && pauses == rounds && (fence ? sum.Violations == 0 : sum.Doubles > 0),
            $"{pauses} pauses of {_lease.TotalMilliseconds * 4:0} ms or more under leases of {_lease.TotalMilliseconds:0} ms, each with a take-over; {sum}" +
            (fence ? string.Empty : " (the fence is off: doubles are what shows that the trial works)") +
            string.Concat(complaints.Take(3).Select(static complaint => $"{Environment.NewLine}  {complaint}")));
    }

    /// <summary>
    /// Whether the second process has begun tasks while the first stands still. On a busy machine it starts late; and never, when the first was stopped
    /// in the middle of a write: then this pause proves nothing and does not count.
    /// </summary>
    private static async Task<bool> TakesOverAsync(string logs)
    {
        var startedAt = TimeProvider.System.GetTimestamp();
        while (Directory.GetFiles(logs, "*.log").Count(static file => new FileInfo(file).Length > 0) < 2)
        {
            if (TimeProvider.System.GetElapsedTime(startedAt) > _lease * 10)
            {
                return false;
            }

            await Task.Delay(20);
        }

        return true;
    }

    /// <summary>Until it is in the middle of its work.</summary>
    private static async Task WaitForExecutionsAsync(string logs, Victim victim)
    {
        while (!victim.HasExited && Directory.GetFiles(logs, "*.log").Sum(static file => new FileInfo(file).Length) < 2_000)
        {
            await Task.Delay(5);
        }
    }
}
