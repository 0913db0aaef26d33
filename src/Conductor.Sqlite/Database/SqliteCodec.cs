using System.Globalization;
using Conductor.Serialization;

namespace Conductor.Sqlite.Database;

/// <summary>
/// Writes records down, and refuses at once those that SQLite would refuse at every save: a step that is repeated with one would be repeated for
/// ever. Thread-safe.
/// </summary>
internal sealed class SqliteCodec(SqliteDatabase database, ConductorSerializer? serializer)
{
    private readonly RecordCodec _codec = new(serializer);

    /// <summary>Writes a record down.</summary>
    /// <exception cref="TaskValidationException">It holds what JSON cannot write, or is too long.</exception>
    public byte[] Encode<T>(T record)
    {
        var encoded = _codec.Encode(record);
        return encoded.Length <= database.MaxRecordLength ? encoded : throw new TaskValidationException(string.Create(
            CultureInfo.InvariantCulture,
            $"The store cannot write this {typeof(T).Name}: it takes {encoded.Length:N0} bytes, and '{database.File}' takes " +
                $"{database.MaxRecordLength:N0} at most. Keep large data elsewhere, and hand over where it is."));
    }

    /// <summary>Reads a record that was written down.</summary>
    public T Decode<T>(ReadOnlySpan<byte> line, string key) => _codec.Decode<T>(line, key);
}
