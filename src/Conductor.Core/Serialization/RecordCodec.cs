using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Conductor.Serialization;

/// <summary>
/// How a record is written down in a store: a line of text with the schema version of the record, a checksum, and the record as JSON, such as
/// <c>1 0f8a33d2 {"task_id":…}</c>. A newer version may add members, which are kept; one that changes the meaning of a member has another
/// schema version, which is refused here rather than misread. Thread-safe.
/// </summary>
public sealed class RecordCodec
{
    /// <summary>The schema version that is written. Older ones are read.</summary>
    public const int SchemaVersion = 1;

    private const int PrefixLength = 11;

    private readonly JsonSerializerOptions _options;

    /// <summary>Makes a codec.</summary>
    /// <param name="serializer">Knows the records, and the user's types in them. Default: the records alone.</param>
    public RecordCodec(ConductorSerializer? serializer = null) => _options = serializer?.Options ?? ConductorJson.Options;

    /// <summary>Writes a record down.</summary>
    /// <typeparam name="T">The record's type.</typeparam>
    /// <param name="record">The record.</param>
    /// <exception cref="TaskValidationException">
    /// It holds data of a type that JSON does not know. Where that is the input of a task of a definition, the message names the task.
    /// </exception>
    public byte[] Encode<T>(T record)
    {
        var json = Serialize(record);
        var line = new byte[PrefixLength + json.Length];
        line[0] = (byte)('0' + SchemaVersion);
        line[1] = line[10] = (byte)' ';
        WriteChecksum(Checksum(json), line.AsSpan(2, 8));
        json.CopyTo(line.AsSpan(PrefixLength));
        return line;
    }

    /// <summary>Reads a record that was written down.</summary>
    /// <typeparam name="T">The record's type.</typeparam>
    /// <param name="line">What was written.</param>
    /// <param name="key">What it is the record of, for the message of an exception.</param>
    /// <exception cref="StateException">STATE_CORRUPT: it is damaged. STATE_INCOMPATIBLE: a newer version of this library wrote it.</exception>
    public T Decode<T>(ReadOnlySpan<byte> line, string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (line.Length <= PrefixLength || line[1] != ' ' || line[10] != ' '
            || !uint.TryParse(line.Slice(2, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var checksum)
            || checksum != Checksum(line[PrefixLength..]))
        {
            throw Corrupt(key, innerException: null);
        }

        var version = line[0] - '0';
        if (version is < 1 or > 9)
        {
            throw Corrupt(key, innerException: null);
        }

        if (version > SchemaVersion)
        {
            throw new StateException(
                ErrorCodes.StateIncompatible,
                $"The record of '{key}' has schema version {version}; this version of Conductor reads up to {SchemaVersion}. Update the Conductor " +
                    "packages of this program. (Should no newer program have written it, its first byte is damaged: restore it from a backup.)")
            {
                Key = key,
            };
        }

        var type = (JsonTypeInfo<T>)_options.GetTypeInfo(typeof(T));
        try
        {
            return JsonSerializer.Deserialize(line[PrefixLength..], type) ?? throw Corrupt(key, innerException: null);
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException)
        {
            // The latter where a polymorphic member does not say what it is.
            throw Corrupt(key, exception);
        }
    }

    /// <summary>CRC-32C (RFC 3720, appendix B.4), which the processor computes.</summary>
    internal static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (var rest in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, rest);
        }

        return ~crc;
    }

    private static void WriteChecksum(uint checksum, Span<byte> target) =>
        checksum.TryFormat(target, out _, "x8", CultureInfo.InvariantCulture);

    private static StateException Corrupt(string key, Exception? innerException) => new(
        ErrorCodes.StateCorrupt,
        $"The record of '{key}' is damaged: its content does not match its checksum or its form. Restore it from a backup, or delete it.",
        innerException)
    {
        Key = key,
    };

    private static string CauseOf(Exception exception) => exception.InnerException is { } cause ? $" ({ExceptionText.Of(cause)})" : "";

    private byte[] Serialize<T>(T record)
    {
        try
        {
            return JsonSerializer.SerializeToUtf8Bytes(record, (JsonTypeInfo<T>)_options.GetTypeInfo(typeof(T)));
        }
        catch (TaskValidationException exception)
        {
            throw new TaskValidationException($"{Refusal(record)}: {ExceptionText.Of(exception)}", exception);
        }
        catch (Exception exception) when (exception is ArgumentException or JsonException)
        {
            throw new TaskValidationException(
                $"{Refusal(record)}: {ExceptionText.Of(exception)}{CauseOf(exception)} JSON has no infinity and no NaN, and an " +
                    $"undefined value of an enum, and data that refers to itself or is deeper than {_options.MaxDepth}, cannot be written.",
                exception);
        }
        catch (Exception exception) when (exception is NotSupportedException or InvalidOperationException)
        {
            throw new TaskValidationException(
                $"{Refusal(record)}: {ExceptionText.Of(exception)} If that is of a type that JSON does not know, register a source-generated context that " +
                    "knows it: AddConductor().AddJsonContext(MyJsonContext.Default). If a property of the data threw it, hand over a type that " +
                    "only holds data.",
                exception);
        }
#pragma warning disable CA1031 // What an application's types do when they are read may throw anything, and is no trouble with the store.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            throw new TaskValidationException(
                $"{Refusal(record)}: reading its data threw {exception.GetType().Name}: {ExceptionText.Of(exception)} Hand over a type that only holds data.",
                exception);
        }
    }

    private string Refusal<T>(T record)
    {
        var culprit = record is WorkflowDefinition definition ? FirstUnwritableInput(definition) : null;
        return $"The store cannot write this {typeof(T).Name}{(culprit is null ? "" : $", because of the input of task '{culprit.Id}'")}";
    }

    /// <summary>
    /// The task whose input cannot be written, where it is that: JSON does not say in which of them it came to a stop. Each is tried within a definition,
    /// as deep as it stands in its own.
    /// </summary>
    private TaskDefinition? FirstUnwritableInput(WorkflowDefinition definition) => definition.Tasks.FirstOrDefault(task => !CanWrite(
        new WorkflowDefinition { Name = definition.Name, Tasks = [new TaskDefinition { Id = task.Id, AgentType = task.AgentType, Input = task.Input }] }));

    private bool CanWrite(WorkflowDefinition definition)
    {
        try
        {
            JsonSerializer.Serialize(Stream.Null, definition, (JsonTypeInfo<WorkflowDefinition>)_options.GetTypeInfo(typeof(WorkflowDefinition)));
            return true;
        }
#pragma warning disable CA1031 // What an application's types do when they are read may throw anything.
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }
}
