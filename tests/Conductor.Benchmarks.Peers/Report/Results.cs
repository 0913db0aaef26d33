using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Measuring;
using Conductor.Benchmarks.Peers.Scenarios;

namespace Conductor.Benchmarks.Peers.Report;

/// <summary>What the rounds gave, by scenario and contender.</summary>
internal sealed class Results
{
    private readonly Dictionary<(string Scenario, string Contender), List<Measurement>> _rounds = [];

    /// <summary>Whether a child failed: then there are holes.</summary>
    public bool HasErrors { get; private set; }

    /// <summary>How far the processors were from each other meanwhile.</summary>
    public ProcessorDistance Distance { get; } = new();

    /// <summary>The database server that took part, or null.</summary>
    public string? Database { get; set; }

    public void Add(Measurement measurement)
    {
        var key = (measurement.Scenario, measurement.Contender);
        if (!_rounds.TryGetValue(key, out var rounds))
        {
            _rounds[key] = rounds = [];
        }

        rounds.Add(measurement);
    }

    public void AddError() => HasErrors = true;

    /// <summary>The median over the rounds, or null when there is none.</summary>
    public Measurement? Of(string scenario, string contender) =>
        _rounds.TryGetValue((scenario, contender), out var rounds) ? Measurement.MedianOf(rounds) : null;

    /// <summary>What was measured, in the order of <see cref="ScenarioList"/>.</summary>
    public IReadOnlyList<Scenario> Scenarios =>
        [.. ScenarioList.All.Append(ScenarioList.DurableJobs).Where(scenario => _rounds.Keys.Any(key => key.Scenario == scenario.Name))];

    /// <summary>Who was measured in any of some scenarios, in the order of <see cref="ContenderList"/>.</summary>
    public IReadOnlyList<Contender> ContendersOf(IEnumerable<Scenario> scenarios)
    {
        var names = scenarios.Select(static scenario => scenario.Name).ToHashSet();
        return [.. ContenderList.CreateAll().Where(contender => _rounds.Keys.Any(key => key.Contender == contender.Name && names.Contains(key.Scenario)))];
    }
}
