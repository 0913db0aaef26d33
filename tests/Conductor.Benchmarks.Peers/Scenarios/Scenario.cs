using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Scenarios;

/// <summary>Something to measure contenders in.</summary>
/// <param name="Name">What it is called on the command line.</param>
/// <param name="Group">The scenarios that share a table, also a name on the command line.</param>
internal abstract record Scenario(string Name, string Group)
{
    /// <summary>What its column says where several scenarios share a table.</summary>
    public string Column { get; init; } = Name;

    /// <summary>The only contenders that take part, or null when everybody does that can.</summary>
    public IReadOnlyCollection<string>? Only { get; init; }

    /// <summary>How much longer than others it warms up and measures.</summary>
    public double Patience { get; init; } = 1;

    public bool Includes(Contender contender) =>
        (Only is null ? !ScenarioList.Variants.Contains(contender.Name) : Only.Contains(contender.Name)) && CanRun(contender);

    /// <summary>Makes a started contender ready.</summary>
    public abstract Task<Workload> OpenAsync(Contender contender);

    protected abstract bool CanRun(Contender contender);
}
