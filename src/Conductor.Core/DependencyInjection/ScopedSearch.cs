using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.DependencyInjection;

/// <summary>
/// Whether what a constructor asks for is scoped, or holds something scoped: transient services live as long as whoever asked for them, so that
/// their constructors are followed. Singletons are not (the container itself refuses scoped services in them), nor what a factory makes, which
/// cannot be seen. Of several registrations of a service the one counts that the container gives. For one search.
/// </summary>
internal sealed class ScopedSearch(IServiceCollection services)
{
    private static readonly Type[] _ofEveryContainer =
        [typeof(IServiceProvider), typeof(IServiceScopeFactory), typeof(IServiceProviderIsService), typeof(IServiceProviderIsKeyedService)];

    private readonly ILookup<Type, ServiceDescriptor> _services = services.ToLookup(static service => service.ServiceType);
    private readonly HashSet<(Type Implementation, object? Key)> _seen = [];

    /// <summary>Whether the constructor by which an agent of a class is made asks for it, directly or not.</summary>
    public bool IsAskedForBy([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type agent) =>
        AgentActivator.PreferredConstructorOf(agent) is { } preferred ? IsAskedForBy(preferred, ownKey: null) : IsAskedForBy(agent, ownKey: null);

    /// <summary>The same for a class that is given under a key, which what it asks for may inherit.</summary>
    private bool IsAskedForBy([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type implementation, object? ownKey) =>
        _seen.Add((implementation, ownKey))
        && Usable(implementation.GetConstructors(), ownKey).Any(constructor => IsAskedForBy(constructor, ownKey));

    private bool IsAskedForBy(ConstructorInfo constructor, object? ownKey) =>
        constructor.GetParameters().Any(parameter => IsScoped(parameter.ParameterType, KeyOf(parameter, ownKey)));

    /// <summary>
    /// Those of the constructors that may be the one that is called: that which asks for most, of those that are given all. Where none is, as far as is known
    /// here, it may be any: not every container has all that it gives in this collection.
    /// </summary>
    private IEnumerable<ConstructorInfo> Usable(ConstructorInfo[] constructors, object? ownKey)
    {
        var given = Array.FindAll(constructors, constructor => Array.TrueForAll(constructor.GetParameters(), parameter => IsGiven(parameter, ownKey)));
        return given.Length == 0 ? constructors : given.GroupBy(static constructor => constructor.GetParameters().Length).MaxBy(static group => group.Key)!;
    }

    private bool IsGiven(ParameterInfo parameter, object? ownKey) =>
        parameter.HasDefaultValue
        || parameter.IsDefined(typeof(ServiceKeyAttribute))
        || _ofEveryContainer.Contains(parameter.ParameterType)
        || (parameter.ParameterType.IsGenericType && parameter.ParameterType.GetGenericTypeDefinition() == typeof(IEnumerable<>))
        || Given(parameter.ParameterType, KeyOf(parameter, ownKey)) is not null;

    private static object? KeyOf(ParameterInfo parameter, object? ownKey) =>
        parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is { } keyed
            ? keyed.LookupMode == ServiceKeyLookupMode.InheritKey ? ownKey : keyed.Key
            : null;

    private bool IsScoped(Type service, object? key)
    {
        if (Given(service, key) is { } given)
        {
            return HoldsScoped(given, service, key);
        }

        return service.IsGenericType && service.GetGenericTypeDefinition() == typeof(IEnumerable<>)
            && IsScopedAmongAll(service.GenericTypeArguments[0], key);
    }

    /// <summary>What the container gives where one is asked for: the last of that very type, or else of the open one.</summary>
    private ServiceDescriptor? Given(Type service, object? key) =>
        LastOf(service, key) ?? (service.IsGenericType ? LastOf(service.GetGenericTypeDefinition(), key) : null);

    private ServiceDescriptor? LastOf(Type service, object? key) =>
        _services[service].LastOrDefault(descriptor => IsUnder(descriptor, key))
        ?? (key is null ? null : _services[service].LastOrDefault(static descriptor => IsUnder(descriptor, KeyedService.AnyKey)));

    /// <summary>Where all are asked for; what is registered for any key is not among those of one.</summary>
    private bool IsScopedAmongAll(Type service, object? key)
    {
        var all = service.IsGenericType ? _services[service].Concat(_services[service.GetGenericTypeDefinition()]) : _services[service];
        return all.Any(descriptor =>
            (IsUnder(descriptor, key) || (Equals(key, KeyedService.AnyKey) && descriptor.IsKeyedService))
            && HoldsScoped(descriptor, service, descriptor.ServiceKey));
    }

    private bool HoldsScoped(ServiceDescriptor descriptor, Type service, object? key)
    {
        var implementation = descriptor.IsKeyedService ? descriptor.KeyedImplementationType : descriptor.ImplementationType;
        if (implementation is { IsGenericTypeDefinition: true })
        {
            implementation = Closed(implementation, service.GenericTypeArguments);
            if (implementation is null)
            {
                return false;
            }
        }

        return descriptor.Lifetime == ServiceLifetime.Scoped
            || (descriptor.Lifetime == ServiceLifetime.Transient && implementation is not null && IsAskedForBy(implementation, key));
    }

    /// <summary>An open class with the arguments of the service that is asked for; null where it has constraints that exclude them.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2055", Justification = "The container closes it the same way; here its constructors are only looked at.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The same: what has no code there cannot be given by the container either.")]
    [return: DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)]
    private static Type? Closed([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type open, Type[] arguments)
    {
        try
        {
            return open.MakeGenericType(arguments);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    private static bool IsUnder(ServiceDescriptor descriptor, object? key) =>
        key is null ? !descriptor.IsKeyedService : descriptor.IsKeyedService && Equals(descriptor.ServiceKey, key);
}
