using Conductor.Testing;

namespace Conductor.Sqlite.Tests;

public sealed class ConformanceTests : IDisposable
{
    private static readonly StateManagerConformance _states = new(Make);
    private static readonly LeaseStoreConformance _leases = new(Make);
    private static readonly EffectStoreConformance _effects = new(Make);
    private static readonly RetentionConformance _retention = new(Make);
    private static readonly AsyncLocal<TempFolder> _folder = new();
    private static readonly AsyncLocal<TimeSpan> _interval = new();

    public ConformanceTests() => _folder.Value = new TempFolder();

    public static TheoryData<string> StateNames => [.. _states.Names];

    public static TheoryData<string> LeaseNames => [.. _leases.Names];

    public static TheoryData<string> EffectNames => [.. _effects.Names];

    public static TheoryData<string> RetentionNames => [.. _retention.Names];

    [Theory]
    [MemberData(nameof(StateNames))]
    public Task SqliteStateManager_Keeps(string sentence) => _states.RunAsync(sentence);

    [Theory]
    [MemberData(nameof(LeaseNames))]
    public Task SqliteLeases_Keep(string sentence) => _leases.RunAsync(sentence);

    [Theory]
    [MemberData(nameof(EffectNames))]
    public Task SqliteEffects_Keep(string sentence) => _effects.RunAsync(sentence);

    [Theory]
    [MemberData(nameof(RetentionNames))]
    public Task SqliteRetention_ThatDoesNotCome_Keeps(string sentence)
    {
        _interval.Value = TimeSpan.FromDays(24);
        return _retention.RunAsync(sentence);
    }

    [Theory]
    [MemberData(nameof(RetentionNames))]
    public Task SqliteRetention_ThatComesEachSecond_Keeps(string sentence)
    {
        _interval.Value = TimeSpan.FromSeconds(1);
        return _retention.RunAsync(sentence);
    }

    public void Dispose() => _folder.Value!.Dispose();

    private static ValueTask<StateManager> Make(ConformanceEnvironment environment) =>
        new(new SqliteStateManager(_folder.Value!.Options(), environment.Environment));

    private static ValueTask<StateManager> Make(ConformanceEnvironment environment, RetentionOptions retention) => new(
        new SqliteStateManager(_folder.Value!.Options(static options => options.RetentionInterval = _interval.Value), environment.Environment, retention));
}
