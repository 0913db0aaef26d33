using System.Reflection;

namespace Conductor.Tests.House;

/// <summary>The house rules about public types.</summary>
public sealed class PublicTypeTests
{
    private static readonly Assembly[] _assemblies = [typeof(AgentType).Assembly, typeof(Conductor.Testing.ConductorTestHost).Assembly];

    private static IEnumerable<Type> Public => _assemblies.SelectMany(assembly => assembly.GetExportedTypes());

    [Fact]
    public void PublicClasses_AreSealedUnlessTheyAreAbstractOrStatic() =>
        Public.Where(type => type is { IsClass: true, IsSealed: false, IsAbstract: false }).Should().BeEmpty();

    [Fact]
    public void AbstractClasses_AreTheExtensionPointsAndBases() =>
        Public.Where(type => type is { IsClass: true, IsAbstract: true, IsSealed: false }).Select(type => type.Name).Should().BeEquivalentTo(
            "ConductorException", "ErrorClassifier", "TaskData", "MessageBus", "MessagePayload", "StateManager", "LeaseStore", "EffectStore",
            "Policy", "Policy`1", "PolicyContext", "BaseAgent", "BaseAgent`2", "ConformanceSuite", "ExtensibleRecord", "DelegatingStateManager");

    [Fact]
    public void TypeNames_SayWhatTheyAre() =>
        _assemblies.SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.Namespace?.StartsWith("Conductor", StringComparison.Ordinal) == true && !type.Name.Contains('<'))
            .Select(type => type.Name.Split('`')[0])
            .Where(name => name.Contains("Helper", StringComparison.Ordinal) || name.Contains("Util", StringComparison.Ordinal)
                || (name.EndsWith("Manager", StringComparison.Ordinal) && !name.EndsWith("StateManager", StringComparison.Ordinal)))
            .Should().BeEmpty();

    [Fact]
    public void PublicTypes_HaveNoEventsAndNoPublicFieldsThatChange() =>
        Public.SelectMany(type => type.GetEvents().Cast<MemberInfo>().Concat(
                type.GetFields().Where(field => !field.IsLiteral && !field.IsInitOnly && !type.IsEnum)))
            .Should().BeEmpty();

    [Fact]
    public void PublicInterfaces_DoNotExist_ExtensionPointsAreAbstractClasses() => Public.Where(type => type.IsInterface).Should().BeEmpty();

    [Fact]
    public void AsyncMethods_EndInAsyncAndTakeACancellationTokenLast()
    {
        var methods = Public.SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(method => !method.IsSpecialName && !method.IsVirtual && IsAwaitable(method.ReturnType)).ToList();

        methods.Should().OnlyContain(method => method.Name.EndsWith("Async", StringComparison.Ordinal));
        methods.Where(method => method.GetParameters().Any(parameter => parameter.ParameterType == typeof(CancellationToken)))
            .Should().OnlyContain(method => method.GetParameters().Last().ParameterType == typeof(CancellationToken));
    }

    [Fact]
    public void Exceptions_DeriveFromTheOneBase_AndCarryNoObjects() =>
        typeof(AgentType).Assembly.GetExportedTypes().Where(type => typeof(Exception).IsAssignableFrom(type))
            .Should().OnlyContain(type => typeof(ConductorException).IsAssignableFrom(type));

    private static bool IsAwaitable(Type type) =>
        type == typeof(Task) || type == typeof(ValueTask)
        || (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(Task<>) || type.GetGenericTypeDefinition() == typeof(ValueTask<>)));
}
