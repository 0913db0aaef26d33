using System.Diagnostics;
using Conductor.Benchmarks.Agents;
using Conductor.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Benchmarks;

/// <summary>
/// Measures what durability costs, with tasks that do nothing, beside the raw rate of equally large, grouped transactions from as many callers on
/// the same disk, taking turns; and whether a big workflow costs per task what a small one costs.
/// </summary>
internal static class SqliteCost
{
    private const int Rounds = 5;
    private const int Callers = 64;
    private const int Tasks = 60_000;

    public static async Task MeasureAsync()
    {
        var folder = Directory.CreateTempSubdirectory("conductor-sqlite-cost-").FullName;
        try
        {
            await TasksAsync(folder);
            await WorkflowsAsync(folder);
            await GrowthAsync(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task TasksAsync(string folder)
    {
        List<double> ours = [], raws = [];
        var (group, bytes) = (0.0, 0);
        for (var round = 0; round <= Rounds; round++)
        {
            (var rate, group, bytes) = await RunTasksAsync(Path.Combine(folder, $"tasks-{round}.db"));
            var raw = await RawSqlite.RateAsync(Path.Combine(folder, $"tasks-raw-{round}.db"), [new RawWrite(bytes, IsUpdate: false)], Callers, Tasks);
            Keep(round, ours, rate, raws, raw);
        }

        Console.WriteLine(
            $"{Callers} tasks at once, outside workflows: {Median(ours):N0} tasks/s; in groups of {group:0}; raw SQLite, {bytes} bytes from as " +
            $"many callers, grouped: {Median(raws):N0}/s; ratio {Median(ours) / Median(raws):0.00}");
    }

    private static async Task WorkflowsAsync(string folder)
    {
        List<double> ours = [], raws = [];
        var (group, sizes) = (0.0, Array.Empty<RawWrite>());
        for (var round = 0; round <= Rounds; round++)
        {
            (var rate, group, sizes) = await RunWorkflowsAsync(Path.Combine(folder, $"steps-{round}.db"));
            var raw = await RawSqlite.RateAsync(Path.Combine(folder, $"steps-raw-{round}.db"), sizes, Callers, Tasks / 4);
            Keep(round, ours, rate, raws, raw);
        }

        Console.WriteLine(
            $"{Callers} workflows at once, task after task: {Median(ours):N0} steps/s; in groups of {group:0}; raw SQLite, " +
                $"{string.Join(" + ", sizes.Select(static write => write.Bytes))} bytes from as many callers, grouped: " +
            $"{Median(raws):N0}/s; ratio {Median(ours) / Median(raws):0.00}");
    }

    private static async Task GrowthAsync(string folder)
    {
        Dictionary<int, (List<double> Micros, List<double> Bytes)> measured = new() { [100] = ([], []), [1_000] = ([], []), [10_000] = ([], []) };
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var (size, (micros, bytes)) in measured)
            {
                var path = Path.Combine(folder, $"growth-{round}-{size}.db");
                await using var provider = Provider(path);
                await using var conductor = await Setup.StartAsync(provider, 8, static () => new EchoAgent());

                // As many tasks in all, so that what a run costs by itself is spread over the same number of them only where it is a part of the cost.
                var runs = 10_000 / size;
                var writtenBefore = BytesWritten();
                var startedAt = Stopwatch.GetTimestamp();
                for (var run = 0; run < runs; run++)
                {
                    (await conductor.Workflows.RunWorkflowAsync(Wide(size))).EnsureCompleted();
                }

                if (round > 0)
                {
                    micros.Add(Stopwatch.GetElapsedTime(startedAt).TotalMicroseconds / (runs * size));
                    bytes.Add((double)(BytesWritten() - writtenBefore) / (runs * size));
                }
            }
        }

        var small = measured[100];
        foreach (var (size, (micros, bytes)) in measured)
        {
            Console.WriteLine(
                $"a workflow of {size,6:N0} tasks: {Median(micros):0} µs and {Median(bytes):N0} bytes written per task; of one of 100: " +
                    $"{Median(micros) / Median(small.Micros):0.00} in time, " +
                $"{Median(bytes) / Median(small.Bytes):0.00} in bytes");
        }
    }

    private static async Task<(double Rate, double Group, int Bytes)> RunTasksAsync(string path)
    {
        await using var provider = Provider(path);
        await using var conductor = await Setup.StartAsync(provider, Callers, static () => new EchoAgent());
        var store = (SqliteStateManager)conductor.State;
        var before = store.Written;
        var startedAt = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < Tasks / Callers; i++)
            {
                (await conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = Setup.Worker, Input = "x" })).EnsureSucceeded();
            }
        })));
        var rate = Tasks / Stopwatch.GetElapsedTime(startedAt).TotalSeconds;
        var after = store.Written;
        return (rate, (double)(after.Operations - before.Operations) / (after.Commits - before.Commits), await SizeAsync(store, "conductor_task_results"));
    }

    private static async Task<(double Rate, double Group, RawWrite[] Writes)> RunWorkflowsAsync(string path)
    {
        const int length = 200;
        await using var provider = Provider(path);
        await using var conductor = await Setup.StartAsync(provider, Callers, static () => new EchoAgent());
        var store = (SqliteStateManager)conductor.State;
        var chain = Chain(length);
        var before = store.Written;
        var startedAt = Stopwatch.GetTimestamp();
        await Task.WhenAll(
            Enumerable.Range(0, Callers).Select(_ => Task.Run(async () => (await conductor.Workflows.RunWorkflowAsync(chain)).EnsureCompleted())));
        var elapsed = Stopwatch.GetElapsedTime(startedAt).TotalSeconds;
        var after = store.Written;
        var operations = after.Operations - before.Operations;
        return (
            operations / elapsed,
            (double)operations / (after.Commits - before.Commits),
            [
                new RawWrite(await SizeAsync(store, "conductor_workflows", "summary"), IsUpdate: true),
                new RawWrite(await SizeAsync(store, "conductor_results"), IsUpdate: false),
                new RawWrite(await SizeAsync(store, "conductor_events"), IsUpdate: false),
            ]);
    }

    private static ServiceProvider Provider(string path)
    {
        var services = new ServiceCollection();
        services.AddConductor().UseSqlite($"Data Source={path}");
        return services.BuildServiceProvider();
    }

    private static WorkflowDefinition Wide(int tasks) => new()
    {
        Name = "wide",
        Phases = [WorkflowPhase.Development],
        Tasks = [.. Enumerable.Range(0,
            tasks).Select(static number =>
            new TaskDefinition { Id = $"task-{number}", AgentType = Setup.Worker, Phase = WorkflowPhase.Development, Input = "x" })],
    };

    private static WorkflowDefinition Chain(int tasks) => new()
    {
        Name = "chain",
        Phases = [WorkflowPhase.Development],
        Tasks =
        [
            .. Enumerable.Range(0, tasks).Select(static number => new TaskDefinition
            {
                Id = $"task-{number}",
                AgentType = Setup.Worker,
                Phase = WorkflowPhase.Development,
                Input = "x",
                DependsOn = number == 0 ? [] : [$"task-{number - 1}"],
            }),
        ],
    };

    private static async Task<int> SizeAsync(SqliteStateManager store, string table, string column = "record") => (int)await store.ReadAsync(
        session => session.Number($"SELECT CAST(avg(length({column})) AS INTEGER) FROM {table}"), CancellationToken.None);

    /// <summary>What this process has written to files and the like, as the kernel counts it.</summary>
    private static long BytesWritten() => long.Parse(
        File.ReadLines("/proc/self/io")
            .First(static line => line.StartsWith("wchar:", StringComparison.Ordinal))["wchar:".Length..], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The first round only warms up.</summary>
    private static void Keep(int round, List<double> ours, double rate, List<double> raws, double raw)
    {
        if (round > 0)
        {
            ours.Add(rate);
            raws.Add(raw);
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
