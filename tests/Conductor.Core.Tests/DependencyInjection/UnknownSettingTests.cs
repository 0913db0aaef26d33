using Conductor.DependencyInjection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Conductor.Tests.DependencyInjection;

/// <summary>A key of the configuration that is no setting would change nothing, and nobody would know: it stops the start, with its place and the fix.</summary>
public sealed class UnknownSettingTests
{
    [Theory]
    [InlineData("Conductor:Retry:MaxRetires", "MaxRetries")]
    [InlineData("Conductor:Retry:MaxRetry", "MaxRetries")]
    [InlineData("Conductor:Retries:MaxRetries", "Retry")]
    [InlineData("Conductor:circuitbraker:FailureThreshold", "CircuitBreaker")]
    [InlineData("Conductor:CircuitBreaker:FailureTreshold", "FailureThreshold")]
    [InlineData("Conductor:AgentTypes:translator:Retry:MaxRetry", "MaxRetries")]
    [InlineData("Conductor:AgentTypes:translator:CircuitBreaker:HalfOpenTrial", "HalfOpenTrials")]
    [InlineData("Conductor:AgentTypes:translator:Retri:MaxRetries", "Retry")]
    [InlineData("Conductor:Dispatch:QueueCapasity", "QueueCapacity")]
    [InlineData("Conductor:Policies:MaxConcurentTasks", "MaxConcurrentTasks")]
    [InlineData("Conductor:Workflows:LeaseDurations", "LeaseDuration")]
    [InlineData("Conductor:Bus:RequestTimout", "RequestTimeout")]
    [InlineData("Conductor:Retention:MaxAges", "MaxAge")]
    [InlineData("Conductor:ShutdownTimout", "ShutdownTimeout")]
    [InlineData("Conductor:Tasks:Limit", null)]
    [InlineData("Conductor:Retry:OnFridays", null)]
    public async Task AddConductor_AKeyThatIsNoSetting_StopsTheStartWithItsPlaceAndTheFix(string key, string? meant)
    {
        var failure = (await StartAsync((key, "5")).Should().ThrowAsync<OptionsValidationException>()).Which.Failures.Should().ContainSingle().Which;

        // Where a section is none, what is in it is not looked at.
        key.Should().StartWith(failure.Split('\'')[1]);
        failure.Should().MatchRegex(
            $"^'Conductor:[^']+' is no setting; {(meant is null ? "keys of your own belong in another section\\." : $"did you mean '{meant}'\\?")} docs/settings\\.md ");
    }

    [Fact]
    public async Task AddConductor_KeysThatAreNoSettings_AreAllNamed()
    {
        var start = StartAsync(("Conductor:Retry:MaxRetires", "5"), ("Conductor:Retry:MaxRetries", "5"), ("Conductor:Bos:RequestTimeout", "00:00:01"));

        var failure = (await start.Should().ThrowAsync<OptionsValidationException>()).Which;

        failure.OptionsType.Should().Be<ConductorOptions>();
        failure.Failures.Select(static text => text.Split('\'')[1]).Should().BeEquivalentTo("Conductor:Retry:MaxRetires", "Conductor:Bos");
    }

    /// <summary>The binder says itself where it stands.</summary>
    [Fact]
    public async Task AddConductor_AValueOfAnotherForm_IsNamedByTheBinder() =>
        (await StartAsync(("Conductor:Retry:MaxRetries", "many")).Should().ThrowAsync<InvalidOperationException>())
        .Which.Message.Should().Contain("'Conductor:Retry:MaxRetries'");

    /// <summary>As with every section that is bound.</summary>
    [Fact]
    public void AddConductor_ASectionThatIsReadAgain_ChangesWhatAMonitorSays()
    {
        var configuration = Configuration(("Conductor:Retry:MaxRetries", "5"));
        var services = new ServiceCollection();
        services.AddConductor(configuration.GetSection("Conductor"));
        using var provider = services.BuildServiceProvider();
        var monitor = provider.GetRequiredService<IOptionsMonitor<ConductorOptions>>();
        monitor.CurrentValue.Retry.MaxRetries.Should().Be(5);

        configuration["Conductor:Retry:MaxRetries"] = "6";
        configuration.Reload();

        monitor.CurrentValue.Retry.MaxRetries.Should().Be(6);
    }

    private static Func<Task> StartAsync(params (string Key, string Value)[] settings) => async () =>
    {
        var services = new ServiceCollection();
        services.AddConductor(Configuration(settings).GetSection("Conductor"));
        await using var provider = services.BuildServiceProvider();
        await provider.StartConductorAsync();
    };

    private static IConfigurationRoot Configuration(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(static setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build();
}
