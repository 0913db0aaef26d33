using System.Diagnostics.CodeAnalysis;
using Conductor.Agents;
using Conductor.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.DependencyInjection;

/// <summary>Makes agents by their constructors.</summary>
internal static class AgentActivator
{
    public static BaseAgent Make<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TAgent>(
        IServiceProvider provider, IServiceCollection services, AgentLifetime lifetime)
        where TAgent : BaseAgent
    {
        if (lifetime == AgentLifetime.PerTask || (lifetime == AgentLifetime.Auto && AsksForScoped(typeof(TAgent), services)))
        {
            return new PerTaskAgent(static scope => ActivatorUtilities.CreateInstance<TAgent>(scope), provider.GetRequiredService<ConductorEnvironment>());
        }

        var scope = provider.CreateAsyncScope();
        var agent = ActivatorUtilities.CreateInstance<TAgent>(scope.ServiceProvider);
        agent.Scope = scope;
        return agent;
    }

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

    private static bool AsksForScoped([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type agent, IServiceCollection services)
    {
        var scoped = services.Where(static service => service.Lifetime == ServiceLifetime.Scoped).Select(static service => service.ServiceType).ToHashSet();
        return agent.GetConstructors().Any(constructor => constructor.GetParameters().Any(parameter => IsScoped(parameter.ParameterType)));

        bool IsScoped(Type type) =>
            scoped.Contains(type)
            || (type.IsGenericType && (scoped.Contains(type.GetGenericTypeDefinition())
                || (type.GetGenericTypeDefinition() == typeof(IEnumerable<>) && IsScoped(type.GenericTypeArguments[0]))));
    }
}
