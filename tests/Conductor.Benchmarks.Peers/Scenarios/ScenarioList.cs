using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Contenders.AkkaNet;
using Conductor.Benchmarks.Peers.Contenders.HangfireJobs;
using Conductor.Benchmarks.Peers.Contenders.Ours;
using Conductor.Benchmarks.Peers.Contenders.ProtoActor;

namespace Conductor.Benchmarks.Peers.Scenarios;

/// <summary>Everything that is measured, in the order in which it is.</summary>
internal static class ScenarioList
{
    public const string One = "one";
    public const string ManyThousand = "many1000";
    public const string Workflow = "workflow";
    public const string Durable = "durable";

    private static readonly string[] _ours = [ContenderList.Ours];
    private static readonly string[] _durable = [SqliteConductorContender.PlainName, HangfireContender.PlainName];
    private static readonly string[] _actors = [ProtoContender.PlainName, AkkaContender.PlainName, ContenderList.Ours];

    /// <summary>Contenders that are variants of another one: they take part only where they are named.</summary>
    public static IReadOnlyCollection<string> Variants { get; } = [ObservedConductorContender.PlainName, .. _durable];

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new CallScenario(One, "one", Callers: 1, Workers: 1),
        new CallScenario("many64", "many64", Callers: 64, Workers: 8, Suspending: true),
        new CallScenario(ManyThousand, "many1000", Callers: 1_000, Workers: 8, Suspending: true),
        new WorkflowScenario(Workflow, "workflow", Phases: 3, TasksPerPhase: 10),
        new PublishScenario("publish1", "publish", Subscribers: 1) { Column = "1" },
        new PublishScenario("publish10", "publish", Subscribers: 10) { Column = "10" },
        new PublishScenario("publish100", "publish", Subscribers: 100) { Column = "100" },
        new CallScenario("agents10", "agents", Callers: 1, Workers: 10) { Column = "10", Only = _actors },
        new CallScenario("agents1000", "agents", Callers: 1, Workers: 1_000) { Column = "1,000", Only = _actors },
        new CallScenario("agents100000", "agents", Callers: 1, Workers: 100_000) { Column = "100,000", Only = _actors },
        new CallScenario("otel", "otel", Callers: 1, Workers: 1) { Only = [ContenderList.Ours, ObservedConductorContender.PlainName] },
        new WorkflowScenario("big100", "big", Phases: 1, TasksPerPhase: 100) { Column = "100", PerTask = true, Only = _ours },
        new WorkflowScenario("big100000", "big", Phases: 1, TasksPerPhase: 100_000) { Column = "100,000", PerTask = true, Only = _ours },
    ];

    /// <summary>Needs a database server, so it is a command of its own.</summary>
    public static Scenario DurableJobs { get; } = new JobScenario(Durable, "durable", Callers: 64) { Only = _durable, Patience = 4 };

    public static Scenario Find(string name) => All.Append(DurableJobs).FirstOrDefault(scenario => scenario.Name == name)
        ?? throw new UsageException($"There is no scenario '{name}'. There are: {string.Join(", ", All.Select(static scenario => scenario.Name))}.");
}
