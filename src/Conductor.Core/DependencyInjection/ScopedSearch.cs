using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.DependencyInjection;

/// <summary>
/// Whether what a constructor asks for is scoped, or holds something scoped: transient services live as long as whoever asked for them, so that
/// their constructors are followed. Singletons are not (the container itself refuses scoped services in them), nor what a factory makes, which
/// cannot be seen. For one search.
/// </summary>
internal sealed class ScopedSearch(IServiceCollection services)
{
    private readonly ILookup<Type, ServiceDescriptor> _services = services.ToLookup(static service => service.ServiceType);
    private readonly HashSet<Type> _seen = [];

    /// <summary>Whether one of the constructors of a class asks for it, directly or not.</summary>
    public bool IsAskedForBy([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type implementation) =>
        _seen.Add(implementation)
        && implementation.GetConstructors().Any(constructor => constructor.GetParameters().Any(parameter =>
            IsScoped(parameter.ParameterType, parameter.GetCustomAttribute<FromKeyedServicesAttribute>()?.Key)));

    private bool IsScoped(Type type, object? key)
    {
        if (!type.IsGenericType)
        {
            return HoldsScoped(type, key);
        }

        var definition = type.GetGenericTypeDefinition();
        return HoldsScoped(type, key) || HoldsScoped(definition, key)
            || (definition == typeof(IEnumerable<>) && IsScoped(type.GenericTypeArguments[0], key));
    }

    private bool HoldsScoped(Type service, object? key) => _services[service].Any(descriptor =>
        IsUnder(descriptor, key)
            && (descriptor.Lifetime == ServiceLifetime.Scoped || (descriptor.Lifetime == ServiceLifetime.Transient && IsHeld(descriptor))));

    private bool IsHeld(ServiceDescriptor transient) =>
        transient.IsKeyedService
            ? transient.KeyedImplementationType is { } keyed && IsAskedForBy(keyed)
            : transient.ImplementationType is { } plain && IsAskedForBy(plain);

    private static bool IsUnder(ServiceDescriptor descriptor, object? key) =>
        key is null ? !descriptor.IsKeyedService : descriptor.IsKeyedService && (Equals(descriptor.ServiceKey, key)
            || Equals(descriptor.ServiceKey, KeyedService.AnyKey));
}
