using System.Text.Json;
using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Scenarios;

namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>The process that measures one contender in one scenario, and prints what it measured as one line of JSON.</summary>
internal static class Child
{
    public const string Command = "child";

    /// <summary>What the line begins with: a contender may print, too.</summary>
    public const string Mark = "measured: ";

    public static async Task<int> RunAsync(string contenderName, string scenarioName, bool isQuick)
    {
        var scenario = ScenarioList.Find(scenarioName);
        var timing = isQuick ? Timing.Quick : Timing.Full;
        var contender = ContenderList.Create(contenderName);
        if (!scenario.Includes(contender))
        {
            throw new UsageException($"'{contenderName}' does not take part in '{scenarioName}'.");
        }

        await contender.StartAsync();
        var workload = await scenario.OpenAsync(contender);
        var measurement = await Meter.MeasureAsync(workload, timing.Times(scenario.Patience), contenderName, scenarioName);

        // Only when all went well: after a failure the process ends anyway, and stopping what is half broken would hide the reason behind another.
        // A contender may find out here that it did not do its work, so the figures come last.
        await contender.DisposeAsync();
        Console.WriteLine(Mark + JsonSerializer.Serialize(measurement));
        return 0;
    }
}
