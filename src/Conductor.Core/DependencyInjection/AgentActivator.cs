using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Conductor.Agents;
using Conductor.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Conductor.DependencyInjection;

/// <summary>Makes agents by their constructors.</summary>
internal static class AgentActivator
{
    public static BaseAgent Make<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TAgent>(
        IServiceProvider provider, IServiceCollection services, AgentLifetime lifetime)
        where TAgent : BaseAgent
    {
        if (lifetime == AgentLifetime.PerTask || (lifetime == AgentLifetime.Auto && new ScopedSearch(services).IsAskedForBy(typeof(TAgent))))
        {
            MissingServices.ThrowIfAny(typeof(TAgent), provider);
            return MakePerTask(static scope => ActivatorUtilities.CreateInstance<TAgent>(scope), provider);
        }

        var scope = provider.CreateAsyncScope();
        try
        {
            var agent = ActivatorUtilities.CreateInstance<TAgent>(scope.ServiceProvider);
            agent.Scope = scope;
            return agent;
        }
        catch
        {
            _ = EndQuietlyAsync(scope, provider.GetRequiredService<ConductorEnvironment>(), typeof(TAgent));
            throw;
        }
    }

    /// <summary>The constructor that a class says it is made by; null where it leaves that to what the container has.</summary>
    public static ConstructorInfo? PreferredConstructorOf([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type agent) =>
        Array.Find(agent.GetConstructors(), static constructor => constructor.IsDefined(typeof(ActivatorUtilitiesConstructorAttribute)));

    /// <summary>An agent could not be made: what was made for it is disposed of, which may take its time, and must not hide why.</summary>
    private static async Task EndQuietlyAsync(AsyncServiceScope scope, ConductorEnvironment environment, Type agent)
    {
        try
        {
            await scope.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Services may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ScopeNotEnded(environment.LoggerFactory.CreateLogger<ConductorRuntime>(), exception, agent);
        }
    }

    /// <summary>An agent that is made for each task, with the services of the task's own scope.</summary>
    public static BaseAgent MakePerTask(Func<IServiceProvider, BaseAgent> make, IServiceProvider provider) =>
        new PerTaskAgent(make, provider.GetRequiredService<ConductorEnvironment>());

    /// <summary>The input and output of a typed agent.</summary>
    public static IReadOnlyList<Type> PayloadTypesOf(Type agent)
    {
        for (var type = agent; type is not null; type = type.BaseType)
        {
            if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(BaseAgent<,>))
            {
                return type.GetGenericArguments();
            }
        }

        return [];
    }
}
