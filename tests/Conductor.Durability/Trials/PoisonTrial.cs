using Conductor.Sqlite;

namespace Conductor.Durability.Trials;

/// <summary>
/// A task that kills its process is dead-lettered at the third crash; its neighbours are not convicted with it, and no crash is counted of one that
/// waited for its next attempt.
/// </summary>
internal static class PoisonTrial
{
    public static async Task<Outcome> RunAsync(string folder)
    {
        var options = new WorkerOptions
        {
            Database = Path.Combine(folder, "conductor.db"),
            Logs = Path.Combine(folder, "logs"),
            Poison = true,
            MaxCrashes = 3,
        };
        Directory.CreateDirectory(options.Logs);
        var deaths = 0;
        for (var life = 0; life < 10; life++)
        {
            using var victim = Victim.Start(options);
            if (await victim.ComplaintAsync(TimeSpan.FromSeconds(60)) is { } complaint)
            {
                return new Outcome(false, complaint);
            }

            if (victim.Succeeded)
            {
                break;
            }

            deaths++;
        }

        await using var store = new SqliteStateManager(new SqliteStateOptions { ConnectionString = $"Data Source={options.Database}" });
        await store.ConnectAsync();
        var state = await store.GetWorkflowStateAsync("poison");
        var letters = (await store.ListDeadLettersAsync()).Items;
        var neighbours = state?.TaskResults.Values.Count(static result => result.TaskId.StartsWith("neighbour", StringComparison.Ordinal) && result.IsSuccess);
        var crashes = state?.Redeliveries.Where(static known => known.TaskId == "resting").Sum(static known => known.Crashes) ?? 0;
        var resting = state?.TaskResults.GetValueOrDefault("resting")?.Status;
        return new Outcome(
            deaths == 3 && letters is [{ Code: ErrorCodes.TaskCrashed, Task.Id: "killer" }] && neighbours == 3
                && resting == AgentTaskStatus.Completed && crashes == 0 && state?.Error?.Code == ErrorCodes.PhaseGateFailed,
            $"{deaths} deaths, {letters.Count} dead letter(s), {neighbours} of 3 neighbours completed, the one that waited for its next " +
                $"attempt {resting} with {crashes} crash(es), the run ended as {state?.Status} " +
                $"({state?.Error?.Code})");
    }
}
