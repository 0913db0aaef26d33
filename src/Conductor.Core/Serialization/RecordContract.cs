using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Conductor.Serialization;

/// <summary>
/// Lets the library's records be read as C# makes them: what JSON leaves out keeps the default that the record says. Generated code alone sets every
/// init-only member in one object initializer, those that JSON leaves out to <c>default</c>. And a name, or a timeout, that nobody gave is not written, so that
/// it follows the id, or the policy, after reading as it did before.
/// </summary>
/// <remarks>
/// The constructor and the init accessors are those that the generated code names itself, as what they carry attributes on; so a trimmed program has them.
/// </remarks>
internal static class RecordContract
{
    /// <summary>Changes how a record is read and written, before anybody uses the information.</summary>
    /// <param name="type">What the generated code says of a type.</param>
    public static void Apply(JsonTypeInfo type)
    {
        KeepDefaults(type);
        if (type.Type == typeof(TaskDefinition))
        {
            WriteIf(type, "name", static task => ((TaskDefinition)task).HasName);
            WriteIf(type, "timeout", static task => ((TaskDefinition)task).OwnTimeout is not null);
        }
        else if (type.Type == typeof(AgentIdentity))
        {
            WriteIf(type, "name", static identity => ((AgentIdentity)identity).HasName);
        }
    }

    private static void KeepDefaults(JsonTypeInfo type)
    {
        // No way to make one but with all its members at once: a record. One with a constructor of its own parameters would need them.
        if (type.Kind != JsonTypeInfoKind.Object || type.CreateObject is not null || type.ConstructorAttributeProvider is not ConstructorInfo constructor
            || constructor.GetParameters().Length > 0)
        {
            return;
        }

        type.CreateObject = ConstructorInvoker.Create(constructor).Invoke;
        foreach (var member in type.Properties)
        {
            // The member that keeps unknown members is set while it is read, so it is not init-only.
            if (!member.IsExtensionData && member.Set is not null && member.AttributeProvider is PropertyInfo { SetMethod: { } accessor })
            {
                member.Set = Setter(MethodInvoker.Create(accessor));
            }
        }
    }

    private static Action<object, object?> Setter(MethodInvoker accessor) => (record, value) =>
    {
        try
        {
            accessor.Invoke(record, value);
        }
        catch (ArgumentException refused)
        {
            // A value that the record refuses is wrong JSON; the serializer adds where it stands.
            throw new JsonException(refused.Message, refused);
        }
    };

    private static void WriteIf(JsonTypeInfo type, string name, Func<object, bool> isGiven) =>
        type.Properties.Single(member => member.Name == name).ShouldSerialize = (record, _) => isGiven(record);
}
