using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Contenders.HangfireJobs;
using Conductor.Benchmarks.Peers.Measuring;
using Conductor.Benchmarks.Peers.Postgres;
using Conductor.Benchmarks.Peers.Report;
using Conductor.Benchmarks.Peers.Scenarios;

namespace Conductor.Benchmarks.Peers;

/// <summary>The parent process: everybody takes turns, a process each, and the medians make the tables.</summary>
internal static class Comparison
{
    public static async Task<int> RunAsync(Options options)
    {
        var plan = Plan(options);
        var page = options.Writes ? PerformancePage.Find(options.IsDurable) : null;
        var results = new Results();
        await using (var server = options.IsDurable ? await PostgresServer.StartAsync() : null)
        {
            var environment = server is null ? [] : new Dictionary<string, string> { [HangfireContender.ConnectionVariable] = server.ConnectionString };
            results.Database = server?.Version;
            for (var round = 1; round <= options.RoundsToRun; round++)
            {
                foreach (var (scenario, contender) in plan)
                {
                    await MeasureAsync(options, results, $"round {round} of {options.RoundsToRun}", scenario, contender, environment);
                }
            }
        }

        var report = new Markdown(results, options).Write();
        Console.WriteLine(report);
        if (page is not null)
        {
            page.Write(report, options.IsDurable ? null : new BarChart(results).Draw());
            Console.WriteLine($"Written: {page.Files}");
        }

        return results.HasErrors ? 1 : 0;
    }

    private static async Task MeasureAsync(
        Options options, Results results, string round, Scenario scenario, Contender contender, IReadOnlyDictionary<string, string> environment)
    {
        await Console.Error.WriteAsync($"{round}: {scenario.Name,-13} {contender.Name,-17}");
        var (measurement, error) = options.IsDurable
            ? await TurnAsync()
            : await results.Distance.TakeTurnAsync(TurnAsync);
        if (measurement is null)
        {
            results.AddError();
            await Console.Error.WriteLineAsync($"failed: {error}");
            return;
        }

        results.Add(measurement);
        await Console.Error.WriteLineAsync($"{Format.Time(measurement.Nanoseconds),10} {Format.Bytes(measurement.Bytes),12}");

        Task<(Measurement? Measurement, string? Error)> TurnAsync() => ChildProcess.MeasureAsync(contender.Name, scenario.Name, options.IsQuick, environment);
    }

    /// <summary>
    /// Everybody who takes part in the first scenario, then in the next: in one round each has its turn close to the others', as far as the
    /// processors are near each other.
    /// </summary>
    private static List<(Scenario Scenario, Contender Contender)> Plan(Options options)
    {
        var contenders = ContenderList.CreateAll();
        foreach (var name in options.Contenders)
        {
            ContenderList.Create(name);
        }

        IReadOnlyList<Scenario> scenarios = options.IsDurable ? [ScenarioList.DurableJobs] : ScenarioList.All;
        var unknown = options.Only.FirstOrDefault(name => !scenarios.Any(scenario => scenario.Name == name || scenario.Group == name));
        if (unknown is not null)
        {
            throw new UsageException($"There is no scenario '{unknown}'. There are: {string.Join(", ", scenarios.Select(static scenario => scenario.Name))}.");
        }

        return
        [
            .. from scenario in scenarios
               where options.Only.Count == 0 || options.Only.Contains(scenario.Name) || options.Only.Contains(scenario.Group)
               from contender in contenders
               where options.Contenders.Count == 0 || options.Contenders.Contains(contender.Name)
               where scenario.Includes(contender)
               select (scenario, contender),
        ];
    }
}
