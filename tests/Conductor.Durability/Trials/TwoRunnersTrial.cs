using Conductor.Sqlite;
using Conductor.State;

namespace Conductor.Durability.Trials;

/// <summary>Two processes take over the same workflows at once; each workflow finishes exactly once.</summary>
internal static class TwoRunnersTrial
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(120);

    public static async Task<Outcome> RunAsync(string folder, int workflows)
    {
        var options = new WorkerOptions { Database = Path.Combine(folder, "conductor.db"), Logs = Path.Combine(folder, "logs"), Workflows = workflows };
        Directory.CreateDirectory(options.Logs);

        // Killed as soon as all exist: they are left in the middle.
        using (var starter = Victim.Start(options))
        {
            while (!starter.HasExited && await CountAsync(options.Database) < workflows)
            {
                await Task.Delay(20);
            }

            starter.Kill();
            await starter.WaitAsync(TimeSpan.FromSeconds(10));
        }

        var unfinished = await UnfinishedAsync(options.Database);
        var recover = new WorkerOptions { Database = options.Database, Logs = options.Logs };
        using var one = Victim.Start(recover);
        using var other = Victim.Start(recover);
        var complaints = await Task.WhenAll(one.ComplaintAsync(_limit), other.ComplaintAsync(_limit));
        var complaint = Array.Find(complaints, static said => said is not null);
        var verdict = await Verdict.OfAsync(options.Database, options.Logs, workflows);
        var shares = Directory.GetFiles(options.Logs, "*.log")
            .Select(static file => File.ReadLines(file).Count(static line => line.StartsWith("begin", StringComparison.Ordinal))).Order().ToList();
        return new Outcome(
            complaint is null && verdict.Violations == 0 && unfinished > 0,
            $"{unfinished} of {workflows} left in the middle, taken over by two at once; executions per process {string.Join(", ", shares)}; " +
                $"{verdict}{complaint}");
    }

    private static async Task<int> CountAsync(string database)
    {
        if (!File.Exists(database))
        {
            return 0;
        }

        try
        {
            await using var store = await OpenAsync(database);
            var (count, page) = (0, new PageRequest { Size = 1_000 });
            return count + (await store.ListWorkflowsAsync(new WorkflowQuery { Page = page })).Items.Count;
        }
        catch (StateException)
        {
            // Being made at this moment.
            return 0;
        }
    }

    private static async Task<int> UnfinishedAsync(string database)
    {
        await using var store = await OpenAsync(database);
        return (await store.ListUnfinishedWorkflowsAsync(new PageRequest { Size = 1_000 })).Items.Count;
    }

    private static async Task<SqliteStateManager> OpenAsync(string database)
    {
        var store = new SqliteStateManager(new SqliteStateOptions { ConnectionString = $"Data Source={database}" });
        await store.ConnectAsync();
        return store;
    }
}
