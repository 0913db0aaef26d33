using System.Text.Json.Serialization;

namespace YourOwnTypes;

/// <summary>
/// How documents are written as JSON where they leave the process (SQLite, a wire). The compiler makes it, so that it works in a trimmed or natively
/// compiled program, too; texts and numbers need none.
/// </summary>
[JsonSerializable(typeof(Document))]
internal sealed partial class DocumentJsonContext : JsonSerializerContext;
