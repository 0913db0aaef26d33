using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.DependencyInjection;

/// <summary>
/// What a container has to have for an agent that is made anew for each task: better said at the start than by every task. (One that is made once is made
/// then, and says so itself.) Of what its dependencies ask for themselves nothing is said.
/// </summary>
internal static class MissingServices
{
    /// <summary>Throws where no constructor of a class could be called. A container that does not say what it has is believed.</summary>
    /// <param name="agent">The class.</param>
    /// <param name="provider">The container.</param>
    /// <exception cref="InvalidOperationException">The container lacks what the constructor asks for; the message names it.</exception>
    public static void ThrowIfAny([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type agent, IServiceProvider provider)
    {
        if (provider.GetService<IServiceProviderIsService>() is not { } container)
        {
            return;
        }

        var constructors = AgentActivator.PreferredConstructorOf(agent) is { } preferred ? [preferred] : agent.GetConstructors();
        var fewest = constructors.Select(constructor => MissingOf(constructor, container)).MinBy(static missing => missing.Count);
        if (fewest is { Count: > 0 })
        {
            throw new InvalidOperationException(
                $"Agent {agent} is made anew for each task, and the container has no {string.Join(", and no ", fewest)} for its constructor. Register " +
                    (fewest.Count == 1 ? "that before the container is built." : "these before the container is built."));
        }
    }

    private static List<string> MissingOf(ConstructorInfo constructor, IServiceProviderIsService container) =>
        [.. constructor.GetParameters().Where(parameter => !IsGiven(parameter, container)).Select(static parameter => parameter.ParameterType.ToString())];

    private static bool IsGiven(ParameterInfo parameter, IServiceProviderIsService container) =>
        parameter.HasDefaultValue
        || (parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is { } keyed
            ? container is not IServiceProviderIsKeyedService keys || keys.IsKeyedService(parameter.ParameterType, keyed.Key)
            : container.IsService(parameter.ParameterType));
}
