using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Conductor.Tests.House;

/// <summary>Reads which types of an assembly use which others of it: in base types, members, signatures and method bodies.</summary>
internal sealed class TypeUses
{
    private static readonly Dictionary<int, OperandType> _operands = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value & 0xFFFF, code => code.OperandType);

    private readonly MetadataReader _reader;
    private readonly PEReader _image;
    private readonly HashSet<(string User, string Used)> _uses = [];
    private string _user = string.Empty;

    private TypeUses(PEReader image)
    {
        _image = image;
        _reader = image.GetMetadataReader();
    }

    /// <summary>Pairs of namespace-qualified names of top-level types.</summary>
    public static IReadOnlyCollection<(string User, string Used)> Of(string assemblyPath)
    {
        using var image = new PEReader(File.OpenRead(assemblyPath));
        var uses = new TypeUses(image);
        uses.Read();
        return uses._uses;
    }

    private void Read()
    {
        foreach (var handle in _reader.TypeDefinitions)
        {
            var type = _reader.GetTypeDefinition(handle);
            _user = TopLevelName(handle);
            Use(type.BaseType);
            foreach (var implementation in type.GetInterfaceImplementations())
            {
                Use(_reader.GetInterfaceImplementation(implementation).Interface);
            }

            foreach (var field in type.GetFields())
            {
                _reader.GetFieldDefinition(field).DecodeSignature(new Collector(this), null);
            }

            foreach (var method in type.GetMethods())
            {
                ReadMethod(_reader.GetMethodDefinition(method));
            }
        }
    }

    private void ReadMethod(MethodDefinition method)
    {
        method.DecodeSignature(new Collector(this), null);
        if (method.RelativeVirtualAddress == 0)
        {
            return;
        }

        var body = _image.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
        {
            _reader.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(new Collector(this), null);
        }

        foreach (var region in body.ExceptionRegions)
        {
            Use(region.CatchType);
        }

        var il = body.GetILReader();
        while (il.RemainingBytes > 0)
        {
            int code = il.ReadByte();
            code = code == 0xFE ? 0xFE00 | il.ReadByte() : code;
            ReadOperand(ref il, _operands[code]);
        }
    }

    private void ReadOperand(ref BlobReader il, OperandType operand)
    {
        switch (operand)
        {
            case OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok:
                Use(MetadataTokens.EntityHandle(il.ReadInt32()));
                break;
            case OperandType.InlineSwitch:
                var targets = il.ReadInt32();
                il.Offset += targets * 4;
                break;
            default:
                il.Offset += operand switch
                {
                    OperandType.InlineNone => 0,
                    OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                    OperandType.InlineVar => 2,
                    OperandType.InlineI8 or OperandType.InlineR => 8,
                    _ => 4,
                };
                break;
        }
    }

    private void Use(EntityHandle handle)
    {
        if (handle.IsNil)
        {
            return;
        }

        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                _uses.Add((_user, TopLevelName((TypeDefinitionHandle)handle)));
                break;
            case HandleKind.TypeSpecification:
                _reader.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(new Collector(this), null);
                break;
            case HandleKind.MethodDefinition:
                Use(_reader.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.FieldDefinition:
                Use(_reader.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MethodSpecification:
                var specification = _reader.GetMethodSpecification((MethodSpecificationHandle)handle);
                Use(specification.Method);
                specification.DecodeSignature(new Collector(this), null);
                break;
            case HandleKind.MemberReference:
                Use(_reader.GetMemberReference((MemberReferenceHandle)handle).Parent);
                break;
        }
    }

    private string TopLevelName(TypeDefinitionHandle handle)
    {
        var type = _reader.GetTypeDefinition(handle);
        while (type.GetDeclaringType() is { IsNil: false } outer)
        {
            type = _reader.GetTypeDefinition(outer);
        }

        return $"{_reader.GetString(type.Namespace)}.{_reader.GetString(type.Name)}";
    }

    /// <summary>Uses every type that a signature names.</summary>
    private sealed class Collector(TypeUses owner) : ISignatureTypeProvider<int, object?>
    {
        public int GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            owner.Use(handle);
            return 0;
        }

        public int GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind)
        {
            owner.Use(handle);
            return 0;
        }

        public int GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => 0;

        public int GetArrayType(int elementType, ArrayShape shape) => 0;

        public int GetByReferenceType(int elementType) => 0;

        public int GetFunctionPointerType(MethodSignature<int> signature) => 0;

        public int GetGenericInstantiation(int genericType, ImmutableArray<int> typeArguments) => 0;

        public int GetGenericMethodParameter(object? genericContext, int index) => 0;

        public int GetGenericTypeParameter(object? genericContext, int index) => 0;

        public int GetModifiedType(int modifier, int unmodifiedType, bool isRequired) => 0;

        public int GetPinnedType(int elementType) => 0;

        public int GetPointerType(int elementType) => 0;

        public int GetPrimitiveType(PrimitiveTypeCode typeCode) => 0;

        public int GetSZArrayType(int elementType) => 0;
    }
}
