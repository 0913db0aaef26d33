using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

public sealed class StateConformanceTests
{
    private static readonly StateManagerConformance _states = new(Make);
    private static readonly LeaseStoreConformance _leases = new(Make);
    private static readonly EffectStoreConformance _effects = new(Make);

    public static TheoryData<string> StateNames => [.. _states.Names];

    public static TheoryData<string> LeaseNames => [.. _leases.Names];

    public static TheoryData<string> EffectNames => [.. _effects.Names];

    [Theory]
    [MemberData(nameof(StateNames))]
    public Task InMemoryStateManager_Keeps(string sentence) => _states.RunAsync(sentence);

    [Theory]
    [MemberData(nameof(LeaseNames))]
    public Task InMemoryLeases_Keep(string sentence) => _leases.RunAsync(sentence);

    [Theory]
    [MemberData(nameof(EffectNames))]
    public Task InMemoryEffects_Keep(string sentence) => _effects.RunAsync(sentence);

    private static ValueTask<StateManager> Make(ConformanceEnvironment environment) => new(new InMemoryStateManager(environment.Environment));
}
