using System.Diagnostics.Metrics;
using System.Text.Json.Serialization.Metadata;
using Conductor;
using Conductor.Coordination;
using Conductor.DependencyInjection;
using Conductor.Diagnostics;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.Serialization;
using Conductor.State;
using Conductor.Workflows;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds Conductor to a container.</summary>
public static class ConductorServiceCollectionExtensions
{
    /// <summary>Adds Conductor with its defaults: everything in memory. It starts and stops with the host, if there is one.</summary>
    /// <remarks>
    /// A host starts its services in the order of their registration, and stops them in the reverse order: a service that dispatches as it starts
    /// is registered after this.
    /// Where there is no host, see <see cref="StartConductorAsync"/>.
    /// </remarks>
    /// <param name="services">The services.</param>
    /// <returns>A builder that adds agents and policies, and swaps bus and store.</returns>
    public static ConductorBuilder AddConductor(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddLogging();
        services.AddOptions<ConductorOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ConductorOptions>, ConductorOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(ErrorClassifier.Default);
        services.TryAddSingleton<OwnMeterFactory>();
        services.TryAddSingleton(PartInMaking.Of(static provider => new ConductorEnvironment(
            provider.GetRequiredService<TimeProvider>(),
            provider.GetService<ILoggerFactory>(),
            provider.GetService<IMeterFactory>() ?? provider.GetRequiredService<OwnMeterFactory>(),
            provider.GetRequiredService<ErrorClassifier>(),
            OptionsOf(provider).RecordSensitiveData)));
        services.TryAddSingleton(static provider => new ConductorSerializer(provider.GetServices<IJsonTypeInfoResolver>()));

        // For a bus or a store of another class that the container makes: its constructor asks for them, or else has the defaults.
        services.TryAddSingleton(static provider => OptionsOf(provider).Bus);
        services.TryAddSingleton(static provider => OptionsOf(provider).Retention);
        services.TryAddSingleton(PartInMaking.Of<MessageBus>(static provider => new InMemoryMessageBus(EnvironmentOf(provider), OptionsOf(provider).Bus)));
        services.TryAddSingleton(PartInMaking.Of<StateManager>(static provider => new InMemoryStateManager(
            EnvironmentOf(provider), OptionsOf(provider).Retention)));
        services.TryAddSingleton(PartInMaking.Of(MakePolicyEngine));
        services.TryAddSingleton(PartInMaking.Of(static provider => new ErrorHandler(
            provider.GetRequiredService<MessageBus>(),
            provider.GetRequiredService<StateManager>(),
            OptionsOf(provider).Retry.ToPolicy(),
            OptionsOf(provider).ToErrorHandlerOptions(),
            EnvironmentOf(provider))));
        services.TryAddSingleton(PartInMaking.Of(static provider => new AgentCoordinator(
            provider.GetRequiredService<MessageBus>(),
            provider.GetRequiredService<StateManager>(),
            provider.GetRequiredService<PolicyEngine>(),
            provider.GetRequiredService<ErrorHandler>(),
            OptionsOf(provider).Dispatch,
            EnvironmentOf(provider),
            provider.GetRequiredService<IServiceScopeFactory>())));
        services.TryAddSingleton(PartInMaking.Of(static provider => new WorkflowEngine(
            provider.GetRequiredService<AgentCoordinator>(),
            provider.GetRequiredService<StateManager>(),
            provider.GetRequiredService<PolicyEngine>(),
            maxFeedbackLoops: null,
            OptionsOf(provider).Workflows,
            EnvironmentOf(provider))));
        services.TryAddSingleton<ConductorRuntime>();
        services.TryAddSingleton<ContainerEnd>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ConductorHostedService>());
        return new ConductorBuilder(services);
    }

    /// <summary>Adds Conductor and changes its settings.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes them.</param>
    /// <returns>A builder that adds agents and policies, and swaps bus and store.</returns>
    public static ConductorBuilder AddConductor(this IServiceCollection services, Action<ConductorOptions> configure) =>
        services.AddConductor().Configure(configure);

    /// <summary>Adds Conductor with settings from configuration.</summary>
    /// <param name="services">The services.</param>
    /// <param name="section">The section, such as <c>configuration.GetSection("Conductor")</c>; its keys are those of <see cref="ConductorOptions"/>.</param>
    /// <remarks>
    /// A key that is no setting stops the start: it is most likely misspelt, and would change nothing. Keep keys of your own in another section. So does
    /// a value that has not the setting's form, with that form, and the root of a configuration that has other keys beside the settings. A
    /// section that is not there is no error: the log says so (event 1007). Settings are read once, when Conductor starts.
    /// </remarks>
    /// <returns>A builder that adds agents and policies, and swaps bus and store.</returns>
    public static ConductorBuilder AddConductor(this IServiceCollection services, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(section);
        var builder = services.AddConductor();
        services.AddSingleton<IOptionsChangeTokenSource<ConductorOptions>>(
            new ConfigurationChangeTokenSource<ConductorOptions>(Options.Options.DefaultName, section));
        services.Configure<ConductorOptions>(options => SettingKeys.Bind(section, options));
        services.AddSingleton(new SettingsSource(section));
        return builder;
    }

    /// <summary>
    /// Starts Conductor in a program without a host. Dispose what it returns, or the provider, to stop: by <c>await using</c> or
    /// <c>DisposeAsync</c>.
    /// </summary>
    /// <remarks>
    /// Stopping waits for running tasks, and no thread is blocked for that: a provider that is disposed synchronously (<c>using var provider</c>,
    /// <c>Dispose()</c>) throws an <see cref="InvalidOperationException"/> that says so. A provider that is being disposed gives nothing any more:
    /// a task that needs a service then fails of that, which is not recorded (a run is handed over, whoever dispatched it is told to do so again).
    /// Where tasks are to end in peace, stop first. What cannot be stopped as the provider is disposed is logged (event 1002) and not thrown, so that
    /// the provider disposes of the rest; <see cref="ConductorRuntime.StopAsync"/> and the runtime's own disposal throw it.
    /// </remarks>
    /// <param name="provider">A provider whose services have <c>AddConductor()</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Everything, started.</returns>
    /// <exception cref="OptionsValidationException">A setting is not valid.</exception>
    /// <exception cref="ObjectDisposedException">It was stopped, before or while it started.</exception>
    /// <exception cref="InvalidOperationException">
    /// It was started before, and that failed (why is the inner exception); or the services lack <c>AddConductor()</c>.
    /// </exception>
    /// <exception cref="StateException">The store cannot be used, such as a file that cannot be opened or is of a newer version.</exception>
    /// <exception cref="TaskValidationException">The store writes, and does not know how to write a type that an agent takes in or gives out.</exception>
    /// <exception cref="AgentAlreadyRegisteredException">Two agents have one id.</exception>
    /// <exception cref="Exception">What the start hook of an agent threw, its factory, or a bus or store of your own: as it is.</exception>
    public static async Task<ConductorRuntime> StartConductorAsync(this IServiceProvider provider, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(provider);
        var runtime = provider.GetService<ConductorRuntime>() ?? throw new InvalidOperationException(
            "The services of this provider have no Conductor to start. Call services.AddConductor() before the provider is built.");
        await runtime.StartAsync(cancellationToken).ConfigureAwait(false);
        return runtime;
    }

    private static ConductorOptions OptionsOf(IServiceProvider provider) => provider.GetRequiredService<IOptions<ConductorOptions>>().Value;

    private static ConductorEnvironment EnvironmentOf(IServiceProvider provider) => provider.GetRequiredService<ConductorEnvironment>();

    private static PolicyEngine MakePolicyEngine(IServiceProvider provider)
    {
        var options = OptionsOf(provider).Policies;
        var engine = new PolicyEngine(EnvironmentOf(provider));
        var own = provider.GetServices<Policy>().ToList();
        if (own.Contains(null!))
        {
            throw new InvalidOperationException($"A factory given to {nameof(ConductorBuilder.AddPolicy)} gave null. Let it give a policy, or do not add it.");
        }

        List<Policy> builtIn =
        [
            new TaskTimeoutPolicy(maxTimeout: options.MaxTaskTimeout),
            new AgentAvailabilityPolicy(),
            new PhaseGatePolicy(options.MinPhaseSuccessRate),
        ];
        if (options.MaxConcurrentTasks is { } limit)
        {
            builtIn.Add(new MaxConcurrentTasksPolicy(limit));
        }

        foreach (var policy in builtIn.Where(policy => own.TrueForAll(other => other.Name != policy.Name)).Concat(own))
        {
            engine.RegisterPolicy(policy);
        }

        return engine;
    }
}
