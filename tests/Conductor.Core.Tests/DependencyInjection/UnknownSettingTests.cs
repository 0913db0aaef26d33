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
            $"^'Conductor:[^']+' is no setting; {(meant is null ? "keys of your own belong in another section\\." : $"did you mean '{meant}'\\?")} The settings are ");
    }

    [Fact]
    public async Task AddConductor_KeysThatAreNoSettings_AreAllNamed()
    {
        var start = StartAsync(("Conductor:Retry:MaxRetires", "5"), ("Conductor:Retry:MaxRetries", "5"), ("Conductor:Bos:RequestTimeout", "00:00:01"));

        var failure = (await start.Should().ThrowAsync<OptionsValidationException>()).Which;

        failure.OptionsType.Should().Be<ConductorOptions>();
        failure.Failures.Select(static text => text.Split('\'')[1]).Should().BeEquivalentTo("Conductor:Retry:MaxRetires", "Conductor:Bos");
    }

    /// <summary>The configuration of a host has all that the machine's environment has: forty lines of that would not say what is wrong.</summary>
    [Fact]
    public async Task AddConductor_TheRootOfAConfigurationWithOtherKeys_IsSaidOnceWithTheFix()
    {
        var services = new ServiceCollection();
        services.AddConductor(Configuration(
            ("AllowedHosts", "*"), ("Conductor:Retry:MaxRetries", "5"), ("HOME", "/"), ("Logging:LogLevel:Default", "Warning"), ("PATH", "/bin")));
        await using var provider = services.BuildServiceProvider();

        var start = () => provider.StartConductorAsync();

        (await start.Should().ThrowAsync<OptionsValidationException>()).Which.Failures.Should().ContainSingle().Which
            .Should().Contain("the root").And.Contain("5 keys").And.Contain("'AllowedHosts', 'Conductor', 'HOME', …")
            .And.Contain("GetSection(\"Conductor\")");
    }

    [Fact]
    public async Task AddConductor_TheRootOfAConfigurationWithAMisspeltSetting_SaysWhatWasMeant()
    {
        var services = new ServiceCollection();
        services.AddConductor(Configuration(("Retri:MaxRetries", "5"), ("Dispatch:QueueCapacity", "5")));
        await using var provider = services.BuildServiceProvider();

        var start = () => provider.StartConductorAsync();

        (await start.Should().ThrowAsync<OptionsValidationException>()).Which.Failures.Should().ContainSingle().Which
            .Should().StartWith("'Retri' is no setting; did you mean 'Retry'?");
    }

    [Fact]
    public void AddConductor_TheRootOfAConfigurationOfSettingsAlone_IsTaken()
    {
        var services = new ServiceCollection();
        services.AddConductor(Configuration(("Retry:MaxRetries", "5")));
        using var provider = services.BuildServiceProvider();

        provider.GetRequiredService<IOptions<ConductorOptions>>().Value.Retry.MaxRetries.Should().Be(5);
    }

    [Theory]
    [InlineData("Conductor:Retry:MaxRetries", "many", "give it a whole number")]
    [InlineData("Conductor:Retry:MaxRetries", "3.5", "give it a whole number")]
    [InlineData("Conductor:Retry:MaxRetries", "", "is empty; give it a whole number, or leave it out")]
    [InlineData("Conductor:Retry:JitterFactor", "0,1", "give it a number such as '1.5'")]
    [InlineData("Conductor:Retry:InitialDelay", "2s", "give it a time such as '00:00:30'")]
    [InlineData("Conductor:Dispatch:WaitLimit", "60", "give it a time such as '00:00:30'")]
    [InlineData("Conductor:Retention:MaxAge", "48:00:00", "is '48:00:00'; give it a time such as '00:00:30' (hours:minutes:seconds, up to 23 hours;")]
    [InlineData("Conductor:Dispatch:WaitLimit", "24:00:00", "up to 23 hours; '7.00:00:00' are seven days)")]
    [InlineData("Conductor:RecordSensitiveData", "yes", "give it 'true' or 'false'")]
    [InlineData("Conductor:Workflows:FeedbackSeverity", "Err", "give it one of Info, Warning, Error, Critical")]
    [InlineData("Conductor:Workflows:FeedbackSeverity", "Warning, Error", "is 'Warning, Error'; give it one of Info, Warning, Error, Critical, or leave it out")]
    [InlineData("Conductor:Workflows:FeedbackSeverity", "77", "is '77'; give it one of Info, Warning, Error, Critical, or leave it out")]
    [InlineData("Conductor:Workflows:FeedbackSeverity", "2", "is '2'; give it one of Info, Warning, Error, Critical, or leave it out")]
    [InlineData("Conductor:Retry:MaxRetries:Limit", "3", "is one value, and has parts here")]
    [InlineData("Conductor", "5", "is a group of settings")]
    [InlineData("Conductor:Retry", "5", "is a group of settings")]
    [InlineData("Conductor:Retry", "", "is empty, and is a group of settings")]
    [InlineData("Conductor:AgentTypes", "editor", "is a group of settings")]
    [InlineData("Conductor:AgentTypes:editor", "5", "is a group of settings")]
    [InlineData("Conductor:AgentTypes:editor:Retry", "5", "is a group of settings")]
    [InlineData("Conductor:AgentTypes:editor:Retry:MaxRetries", "some", "give it a whole number")]
    [InlineData("Conductor:Retry:AdditionalRetryableErrors", "MY", "is a list; number what it holds: 'Conductor:Retry:AdditionalRetryableErrors:0'")]
    [InlineData("Conductor:Retry:AdditionalRetryableErrors:MY", "true", "stands in a list")]
    [InlineData("Conductor:Retry:AdditionalRetryableErrors:0:0", "x", "'Conductor:Retry:AdditionalRetryableErrors:0' is one value, and has parts here")]
    [InlineData("Conductor:Retry:AdditionalRetryableErrors:1:Code", "VENDOR_BUSY", "has parts here; give it a text such as 'LLM_TIMEOUT'")]
    [InlineData("Conductor:AgentTypes:editor:Retry:RetryableErrors:0:Code", "VENDOR_BUSY", "is one value, and has parts here")]
    public async Task AddConductor_AValueOfAnotherForm_StopsTheStartWithItsPlaceAndTheForm(string key, string value, string fix)
    {
        var failure = (await StartAsync((key, value)).Should().ThrowAsync<OptionsValidationException>()).Which.Failures.Should().ContainSingle().Which;

        key.Should().StartWith(failure.Split('\'')[1]);
        failure.Should().Contain(fix);
    }

    [Fact]
    public async Task AddConductor_SeveralThingsThatAreWrong_AreAllNamed()
    {
        var start = StartAsync(("Conductor:Retry:MaxRetires", "5"), ("Conductor:Retry:MaxRetries", "many"), ("Conductor:Dispatch", "fast"));

        (await start.Should().ThrowAsync<OptionsValidationException>()).Which.Failures.Should().HaveCount(3);
    }

    [Theory]
    [InlineData("Conductor:Dispatch:WaitLimit", "")]
    [InlineData("Conductor:ShutdownTimeout", "0")]
    [InlineData("Conductor:ShutdownTimeout", "1.00:00:00")]
    [InlineData("Conductor:ShutdownTimeout", "1:00:00:00")]
    [InlineData("Conductor:ShutdownTimeout", "23:59:59.5")]
    [InlineData("Conductor:Workflows:FeedbackSeverity", "error")]
    [InlineData("Conductor:Workflows:FeedbackSeverity", " Error ")]
    [InlineData("Conductor:Retry:AdditionalRetryableErrors", "")]
    [InlineData("Conductor:Retry:AdditionalRetryableErrors:0", "MY")]
    public async Task AddConductor_AValueOfItsForm_IsTaken(string key, string value) => await StartAsync((key, value)).Should().NotThrowAsync();

    /// <summary>As JSON gives it for []: nothing of the type is retried.</summary>
    [Fact]
    public void AddConductor_AnEmptyListOfATypesErrors_IsEmptyAndNotThatOfAll()
    {
        var services = new ServiceCollection();
        services.AddConductor(Configuration(("Conductor:AgentTypes:editor:Retry:RetryableErrors", "")).GetSection("Conductor"));
        using var provider = services.BuildServiceProvider();

        provider.GetRequiredService<IOptions<ConductorOptions>>().Value.AgentTypes["editor"].Retry!.RetryableErrors.Should().BeEmpty();
    }

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
