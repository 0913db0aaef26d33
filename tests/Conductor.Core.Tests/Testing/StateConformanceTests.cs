using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

public sealed class StateConformanceTests
{
    private static readonly StateManagerConformance _states = new(Make);
    private static readonly LeaseStoreConformance _leases = new(Make);
    private static readonly EffectStoreConformance _effects = new(Make);
    private static readonly RetentionConformance _retention = new(Make);

    public static TheoryData<string> StateNames => [.. _states.Names];

    public static TheoryData<string> LeaseNames => [.. _leases.Names];

    public static TheoryData<string> EffectNames => [.. _effects.Names];

    public static TheoryData<string> RetentionNames => [.. _retention.Names];

    [Theory]
    [MemberData(nameof(StateNames))]
    public Task InMemoryStateManager_Keeps(string sentence) => _states.RunAsync(sentence);

    [Theory]
    [MemberData(nameof(LeaseNames))]
    public Task InMemoryLeases_Keep(string sentence) => _leases.RunAsync(sentence);

    [Theory]
    [MemberData(nameof(EffectNames))]
    public Task InMemoryEffects_Keep(string sentence) => _effects.RunAsync(sentence);

    [Theory]
    [MemberData(nameof(RetentionNames))]
    public Task InMemoryRetention_Keeps(string sentence) => _retention.RunAsync(sentence);

    private static ValueTask<StateManager> Make(ConformanceEnvironment environment) => Make(environment, new RetentionOptions());

    private static ValueTask<StateManager> Make(ConformanceEnvironment environment, RetentionOptions retention) =>
        new(new InMemoryStateManager(environment.Environment, retention));
}
