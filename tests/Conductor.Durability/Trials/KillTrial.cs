namespace Conductor.Durability.Trials;

/// <summary>Kills processes at random moments and at every point where state is written, until the number of kills is reached.</summary>
internal static class KillTrial
{
    private const int WorkflowsPerBatch = 8;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    public static async Task<Outcome> RunAsync(string folder, int kills)
    {
        // Two batches side by side: while one restarts, the other works.
        var halves = await Task.WhenAll(
            Task.Run(() => RunBatchesAsync(Path.Combine(folder, "random"), (kills + 1) / 2, atWritePoints: false)),
            Task.Run(() => RunBatchesAsync(Path.Combine(folder, "points"), kills / 2, atWritePoints: true)));
        var sum = Verdict.Sum(halves.SelectMany(static half => half.Verdicts));
        var complaints = halves.SelectMany(static half => half.Complaints).ToList();
        var done = halves.Sum(static half => half.Kills);
        return new Outcome(
            sum.Violations == 0 && complaints.Count == 0 && done >= kills,
            $"{halves[0].Kills} kills at random, {halves[1].Kills} at write points (up to point {halves[1].LastPoint}); {sum}" +
            string.Concat(complaints.Take(3).Select(static complaint => $"{Environment.NewLine}  {complaint}")));
    }

    private static async Task<(int Kills, int LastPoint, List<Verdict> Verdicts, List<string> Complaints)> RunBatchesAsync(
        string folder, int kills, bool atWritePoints)
    {
        var (done, point, furthest) = (0, 0, 0);
        List<Verdict> verdicts = [];
        List<string> complaints = [];
        for (var batch = 0; done < kills && complaints.Count == 0; batch++)
        {
            var options = new WorkerOptions
            {
                Database = Path.Combine(folder, $"{batch}", "conductor.db"),
                Logs = Path.Combine(folder, $"{batch}", "logs"),
                Workflows = WorkflowsPerBatch,
            };
            Directory.CreateDirectory(options.Logs);
            while (true)
            {
                // The last life of a batch is a quiet one when the kills are used up.
                var isVictim = done < kills;
                using var victim = Victim.Start(atWritePoints && isVictim ? WithKillAt(options, ++point) : options);
                if (!atWritePoints && isVictim && !await victim.WaitAsync(TimeSpan.FromMilliseconds(Random.Shared.Next(100, 1_200))))
                {
                    victim.Kill();
                }

                if (await victim.ComplaintAsync(_limit) is { } complaint)
                {
                    complaints.Add(complaint);
                    break;
                }

                if (victim.Succeeded)
                {
                    // Begin again with the earliest points for the next batch, each time a little further on.
                    point = atWritePoints ? point % 200 : point;
                    break;
                }

                done++;
                furthest = Math.Max(furthest, point);
            }

            verdicts.Add(await Verdict.OfAsync(options.Database, options.Logs, WorkflowsPerBatch));
            if (complaints.Count == 0 && verdicts[^1].Violations == 0)
            {
                Directory.Delete(Path.Combine(folder, $"{batch}"), recursive: true);
            }
        }

        return (done, furthest, verdicts, complaints);
    }

    private static WorkerOptions WithKillAt(WorkerOptions options, int point) => new()
    {
        Database = options.Database,
        Logs = options.Logs,
        Workflows = options.Workflows,
        KillAt = point,
    };
}
