using Conductor.DependencyInjection;
using Conductor.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Conductor.Tests.DependencyInjection;

/// <summary>A section that is not there may be misspelt, and may be meant so: it is no error, and the log says that nothing is taken from it.</summary>
public sealed class MissingSectionTests
{
    private readonly FakeLogCollector _logs = new();

    [Theory]
    [InlineData("Condutor")]
    [InlineData("App:Conductor")]
    public async Task StartConductorAsync_NoSuchSection_IsLoggedByItsPath(string path)
    {
        await using var conductor = await StartAsync(Configuration(("Conductor:Retry:MaxRetries", "5")).GetSection(path));

        _logs.GetSnapshot().Should().ContainSingle(static record => record.Id.Id == 1007).Which.Message.Should().Contain($"no section '{path}'");
    }

    [Theory]
    [InlineData("Conductor:Retry:MaxRetries")]
    [InlineData("Conductor:ShutdownTimeout")]
    public async Task StartConductorAsync_TheSectionIsThere_NothingIsLogged(string key)
    {
        var value = key.EndsWith("Timeout", StringComparison.Ordinal) ? "00:00:05" : "5";
        await using var conductor = await StartAsync(Configuration((key, value)).GetSection("Conductor"));

        _logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == 1007);
    }

    /// <summary>It has no name that could be wrong.</summary>
    [Fact]
    public async Task StartConductorAsync_EmptyRoot_NothingIsLogged()
    {
        await using var conductor = await StartAsync(Configuration());

        _logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == 1007);
    }

    private static IConfigurationRoot Configuration(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(static setting => new KeyValuePair<string, string?>(setting.Key, setting.Value))).Build();

    private async Task<ConductorRuntime> StartAsync(IConfiguration section)
    {
        var services = new ServiceCollection().AddSingleton<ILoggerFactory>(new FakeLoggerFactory(_logs));
        services.AddConductor(section);
        return await services.BuildServiceProvider().StartConductorAsync();
    }
}
