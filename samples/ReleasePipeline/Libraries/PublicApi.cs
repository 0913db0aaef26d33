using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace ReleasePipeline.Libraries;

/// <summary>The public types and members of an assembly, read from its metadata: no code of it runs. Immutable.</summary>
internal sealed record PublicApi
{
    /// <summary>The public types by reflection name, sorted.</summary>
    public required IReadOnlyList<string> Types { get; init; }

    /// <summary>The public and protected members with their signatures, sorted.</summary>
    public required IReadOnlyList<string> Members { get; init; }

    /// <summary>Reads an assembly file.</summary>
    /// <param name="path">The file.</param>
    public static PublicApi Read(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        var types = metadata.TypeDefinitions.Where(handle => IsPublic(metadata, handle)).ToList();
        return new PublicApi
        {
            Types = [.. types.Select(handle => SignatureText.Name(metadata, handle)).Order(StringComparer.Ordinal)],
            Members = [.. types.SelectMany(handle => ReadMembers(metadata, handle)).Order(StringComparer.Ordinal)],
        };
    }

    private static IEnumerable<string> ReadMembers(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var owner = SignatureText.Name(metadata, handle);
        var type = metadata.GetTypeDefinition(handle);
        var decoder = new SignatureText();
        foreach (var method in type.GetMethods().Select(metadata.GetMethodDefinition))
        {
            if ((method.Attributes & MethodAttributes.MemberAccessMask)
                is MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem)
            {
                var signature = method.DecodeSignature(decoder, genericContext: null);
                var parameters = string.Join(", ", signature.ParameterTypes);
                yield return $"{owner}.{metadata.GetString(method.Name)}({parameters}) -> {signature.ReturnType}";
            }
        }

        foreach (var field in type.GetFields().Select(metadata.GetFieldDefinition))
        {
            if ((field.Attributes & FieldAttributes.FieldAccessMask)
                is FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem)
            {
                yield return $"{owner}.{metadata.GetString(field.Name)} : {field.DecodeSignature(decoder, genericContext: null)}";
            }
        }
    }

    private static bool IsPublic(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        return (type.Attributes & TypeAttributes.VisibilityMask) switch
        {
            TypeAttributes.Public => true,
            TypeAttributes.NestedPublic => IsPublic(metadata, type.GetDeclaringType()),
            _ => false,
        };
    }
}
