using Conductor.Benchmarks.Peers.Contenders.AkkaNet;
using Conductor.Benchmarks.Peers.Contenders.Floors;
using Conductor.Benchmarks.Peers.Contenders.HangfireJobs;
using Conductor.Benchmarks.Peers.Contenders.MediatorGenerated;
using Conductor.Benchmarks.Peers.Contenders.OrleansGrains;
using Conductor.Benchmarks.Peers.Contenders.Ours;
using Conductor.Benchmarks.Peers.Contenders.ProtoActor;
using Conductor.Benchmarks.Peers.Contenders.WolverineBus;

namespace Conductor.Benchmarks.Peers.Contenders;

/// <summary>Everybody who takes part, in the order in which tables show them. Making them starts nothing.</summary>
internal static class ContenderList
{
    /// <summary>The name of the one all others are set in relation to.</summary>
    public const string Ours = ConductorContender.PlainName;

    /// <summary>The name of the floor: what a hop to another thread and back costs at least.</summary>
    public const string Floor = PooledChannelContender.PlainName;

    public static IReadOnlyList<Contender> CreateAll() =>
    [
        new DirectContender(),
        new PooledChannelContender(),
        new TaskChannelContender(),
        new MediatorContender(),
        new ProtoContender(),
        new AkkaContender(),
        new WolverineContender(),
        new OrleansContender(),
        new ConductorContender(),
        new ObservedConductorContender(),
        new SqliteConductorContender(),
        new HangfireContender(),
    ];

    public static Contender Create(string name) => CreateAll().FirstOrDefault(contender => contender.Name == name)
        ?? throw new UsageException($"There is no contender '{name}'. There are: {string.Join(", ", CreateAll().Select(static contender => contender.Name))}.");
}
