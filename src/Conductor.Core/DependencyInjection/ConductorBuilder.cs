using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;
using Conductor.Agents;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Conductor.DependencyInjection;

/// <summary>What <c>AddConductor()</c> returns: adds agents and policies, and swaps bus, store and classifier. Not thread-safe.</summary>
public sealed partial class ConductorBuilder
{
    internal ConductorBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services it adds to.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds agents of a class, made by the container.</summary>
    /// <remarks>
    /// Scoped services belong to one task. By default they are found in the constructor, and in those of transient services that were registered by
    /// their class. What a factory makes (<c>AddTransient(provider => …)</c>), and what is asked of an <see cref="IServiceProvider"/> that the
    /// constructor gets, cannot be seen, and would live as long as the agent: give <see cref="AgentLifetime.PerTask"/>, or ask
    /// <see cref="TaskContext.Services"/>, which are the task's own.
    /// </remarks>
    /// <typeparam name="TAgent">The class; its constructor gets its dependencies from the container.</typeparam>
    /// <param name="type">Their type.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="lifetime">
    /// How long an instance lives. Default: for each task anew if its constructor asks for a scoped service, directly or not, otherwise as long as
    /// the agent.
    /// </param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    public ConductorBuilder AddAgent<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TAgent>(
        AgentType type, int count = 1, AgentLifetime lifetime = AgentLifetime.Auto, string? agentId = null)
        where TAgent : BaseAgent
    {
        if (typeof(TAgent).IsAbstract)
        {
            throw new ArgumentException(
                $"{typeof(TAgent)} is abstract, and no agent can be made of it. Name a class that derives from it, or give a factory: " +
                    "AddAgent(type, provider => …).",
                paramName: null);
        }

        ThrowIfUndefined(lifetime);
        var services = Services;
        return Add(type, count, agentId, AgentActivator.PayloadTypesOf(typeof(TAgent)), provider => AgentActivator.Make<TAgent>(provider, services, lifetime));
    }

    /// <summary>Adds agents of a class, made by the container, of a type given by its name. The rest is as where the type is given.</summary>
    /// <typeparam name="TAgent">The class; its constructor gets its dependencies from the container.</typeparam>
    /// <param name="type">The name of their type.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="lifetime">
    /// How long an instance lives. Default: for each task anew if its constructor asks for a scoped service, directly or not, otherwise as long as
    /// the agent.
    /// </param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    [OverloadResolutionPriority(-1)]
    public ConductorBuilder AddAgent<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TAgent>(
        string type, int count = 1, AgentLifetime lifetime = AgentLifetime.Auto, string? agentId = null)
        where TAgent : BaseAgent =>
        AddAgent<TAgent>(new AgentType(type), count, lifetime, agentId);

    /// <summary>Adds agents from a factory.</summary>
    /// <param name="type">Their type.</param>
    /// <param name="factory">
    /// Makes one, with the services of the container; called again for a replacement when one has to be set aside. With
    /// <see cref="AgentLifetime.PerTask"/> it makes one for each task, with the services of the task's own scope.
    /// </param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    /// <param name="lifetime">How long an instance lives. Default: as long as the agent; what a factory asks for cannot be seen.</param>
    public ConductorBuilder AddAgent(
        AgentType type, Func<IServiceProvider, BaseAgent> factory, int count = 1, string? agentId = null, AgentLifetime lifetime = AgentLifetime.PerAgent)
    {
        ArgumentNullException.ThrowIfNull(factory);
        ThrowIfUndefined(lifetime);
        return Add(
            type, count, agentId, payloadTypes: [], lifetime == AgentLifetime.PerTask ? provider => AgentActivator.MakePerTask(factory, provider) : factory);
    }

    /// <summary>Adds agents from a factory, of a type given by its name. The rest is as where the type is given.</summary>
    /// <param name="type">The name of their type.</param>
    /// <param name="factory">Makes one, with the services of the container, or, with <see cref="AgentLifetime.PerTask"/>, of the task's own scope.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    /// <param name="lifetime">How long an instance lives. Default: as long as the agent; what a factory asks for cannot be seen.</param>
    [OverloadResolutionPriority(-1)]
    public ConductorBuilder AddAgent(
        string type, Func<IServiceProvider, BaseAgent> factory, int count = 1, string? agentId = null, AgentLifetime lifetime = AgentLifetime.PerAgent) =>
        AddAgent(new AgentType(type), factory, count, agentId, lifetime);

    /// <summary>Adds a policy made by the container. One named like a built-in policy takes its place.</summary>
    /// <remarks>
    /// Policies are made before what asks them: one that needs the coordinator, the engine or the runtime takes the <see cref="IServiceProvider"/> and
    /// asks that when it is asked itself.
    /// </remarks>
    /// <typeparam name="TPolicy">The policy.</typeparam>
    public ConductorBuilder AddPolicy<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TPolicy>()
        where TPolicy : Policy
    {
        Services.AddSingleton<Policy, TPolicy>();
        return this;
    }

    /// <summary>Adds a policy. One named like a built-in policy takes its place.</summary>
    /// <param name="policy">The policy.</param>
    public ConductorBuilder AddPolicy(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        Services.AddSingleton(policy);
        return this;
    }

    /// <summary>Adds a policy from a factory. One named like a built-in policy takes its place.</summary>
    /// <param name="factory">Makes it, with the services of the container.</param>
    public ConductorBuilder AddPolicy(Func<IServiceProvider, Policy> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        Services.AddSingleton(factory);
        return this;
    }

    /// <summary>Uses another message bus, made by the container.</summary>
    /// <remarks>
    /// A constructor that takes <see cref="MessageBusOptions"/> gets <see cref="ConductorOptions.Bus"/>, unless the services have a registration of
    /// their own of it.
    /// </remarks>
    /// <typeparam name="TBus">The bus.</typeparam>
    public ConductorBuilder UseMessageBus<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TBus>()
        where TBus : MessageBus
    {
        Services.Replace(ServiceDescriptor.Singleton<MessageBus, TBus>());
        return this;
    }

    /// <summary>Uses another message bus.</summary>
    /// <param name="factory">Makes it.</param>
    public ConductorBuilder UseMessageBus(Func<IServiceProvider, MessageBus> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        Services.Replace(ServiceDescriptor.Singleton(PartInMaking.Of(provider => factory(provider) ?? throw GaveNull(nameof(UseMessageBus)))));
        return this;
    }

    /// <summary>Uses another store, made by the container.</summary>
    /// <remarks>
    /// A constructor that takes <see cref="RetentionOptions"/> gets <see cref="ConductorOptions.Retention"/>, unless the services have a registration
    /// of their own of it.
    /// </remarks>
    /// <typeparam name="TState">The store.</typeparam>
    public ConductorBuilder UseStateManager<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TState>()
        where TState : StateManager
    {
        Services.Replace(ServiceDescriptor.Singleton<StateManager, TState>());
        return this;
    }

    /// <summary>Uses another store.</summary>
    /// <param name="factory">Makes it.</param>
    public ConductorBuilder UseStateManager(Func<IServiceProvider, StateManager> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        Services.Replace(ServiceDescriptor.Singleton(PartInMaking.Of(provider => factory(provider) ?? throw GaveNull(nameof(UseStateManager)))));
        return this;
    }

    /// <summary>Uses another error classifier, made by the container.</summary>
    /// <typeparam name="TClassifier">The classifier.</typeparam>
    public ConductorBuilder UseErrorClassifier<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TClassifier>()
        where TClassifier : ErrorClassifier
    {
        Services.Replace(ServiceDescriptor.Singleton<ErrorClassifier, TClassifier>());
        return this;
    }

    /// <summary>Uses another error classifier.</summary>
    /// <param name="factory">Makes it, with the services of the container.</param>
    public ConductorBuilder UseErrorClassifier(Func<IServiceProvider, ErrorClassifier> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        Services.Replace(ServiceDescriptor.Singleton(PartInMaking.Of(provider => factory(provider) ?? throw GaveNull(nameof(UseErrorClassifier)))));
        return this;
    }

    /// <summary>Makes types of your own known to stores and wires.</summary>
    /// <param name="context">Your source-generated context, such as <c>MyJsonContext.Default</c>.</param>
    public ConductorBuilder AddJsonContext(IJsonTypeInfoResolver context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Services.AddSingleton(context);
        return this;
    }

    /// <summary>Changes settings.</summary>
    /// <param name="configure">Changes them.</param>
    public ConductorBuilder Configure(Action<ConductorOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Services.Configure(configure);
        return this;
    }

    /// <summary>The container would say that there is no service of the type, which is not so.</summary>
    private static InvalidOperationException GaveNull(string method) =>
        new($"The factory given to {method} gave null. Let it give what it is for, or leave {method} out.");

    private static void ThrowIfUndefined(AgentLifetime lifetime) =>
        SettingProblems.ThrowIfAny(SettingProblems.OfEnum(nameof(lifetime), lifetime), nameof(lifetime));

    private ConductorBuilder Add(AgentType type, int count, string? agentId, IReadOnlyList<Type> payloadTypes, Func<IServiceProvider, BaseAgent> factory)
    {
        if (type.IsEmpty)
        {
            throw new NoAgentTypeException("AddAgent was given no agent type. Name one: AddAgent<T>(new AgentType(\"…\")).");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (agentId is not null)
        {
            IdText.ThrowIfInvalid(agentId);
            if (count > 1)
            {
                throw new ArgumentException(
                    $"{count} agents cannot all have the id '{agentId}'. Leave the id out, or add them one by one.", nameof(agentId));
            }
        }

        Services.AddSingleton(new AgentRegistration { Type = type, Count = count, AgentId = agentId, Factory = factory, PayloadTypes = payloadTypes });
        return this;
    }
}
