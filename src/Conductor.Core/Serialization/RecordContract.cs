using System.Reflection;
using System.Text.Json.Serialization.Metadata;

namespace Conductor.Serialization;

/// <summary>
/// Lets the library's records be read as C# makes them: what JSON leaves out keeps the default that the record says. Generated code alone sets every
/// init-only member in one object initializer, those that JSON leaves out to <c>default</c>.
/// </summary>
/// <remarks>
/// The constructor and the init accessors are those that the generated code names itself, as what they carry attributes on; so a trimmed program has them.
/// </remarks>
internal static class RecordContract
{
    /// <summary>Changes how a record is read, before anybody uses the information.</summary>
    /// <param name="type">What the generated code says of a type.</param>
    public static void Apply(JsonTypeInfo type)
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
                var invoker = MethodInvoker.Create(accessor);
                member.Set = (record, value) => invoker.Invoke(record, value);
            }
        }
    }
}
