namespace Conductor.Durability.Trials;

/// <summary>
/// Pauses a process for longer than its leases last, lets another take its runs over, and wakes it up. With the fence switched off the same
/// must show doubles, or the trial proves nothing.
/// </summary>
internal static class PauseTrial
{
    private const int Workflows = 12;
    private static readonly TimeSpan _lease = TimeSpan.FromMilliseconds(500);

    public static async Task<Outcome> RunAsync(string folder, int rounds, bool fence)
    {
        List<Verdict> verdicts = [];
        var (pauses, complaints) = (0, new List<string>());
        for (var round = 0; round < rounds && complaints.Count == 0; round++)
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
            pauses++;
            using var heir = Victim.Start(options);
            await Task.Delay(_lease * 4);
            zombie.GoOn();
            if (!await heir.WaitAsync(TimeSpan.FromSeconds(60)) || !await zombie.WaitAsync(TimeSpan.FromSeconds(60)))
            {
                complaints.Add("A process did not end within 60 s.");
            }
            else if ((await heir.ComplaintAsync() ?? await zombie.ComplaintAsync()) is { } complaint)
            {
                complaints.Add(complaint);
            }

            verdicts.Add(await Verdict.OfAsync(options.Database, options.Logs, Workflows, mustComplete: fence));
        }

        var sum = Verdict.Sum(verdicts);
        return new Outcome(
            complaints.Count == 0 && (fence ? sum.Violations == 0 : sum.Doubles > 0),
            $"{pauses} pauses of {_lease.TotalMilliseconds * 4:0} ms under leases of {_lease.TotalMilliseconds:0} ms; {sum}" +
            (fence ? string.Empty : " (the fence is off: doubles are what shows that the trial works)") +
            string.Concat(complaints.Take(3).Select(static complaint => $"{Environment.NewLine}  {complaint}")));
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
