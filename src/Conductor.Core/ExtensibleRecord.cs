using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>
/// A record that is stored or sent. Members that it does not know, because a newer version of this library wrote them, are kept and written
/// again. Immutable.
/// </summary>
public abstract record ExtensibleRecord
{
    private protected ExtensibleRecord()
    {
    }

    /// <summary>What was read and is not known here; null for nothing. Set only while a record is read.</summary>
    [JsonInclude]
    [JsonExtensionData]
    internal Dictionary<string, JsonElement>? UnknownMembers { get; set; }
}
