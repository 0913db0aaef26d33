using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>A failure as a record: what travels and what is stored, never an <see cref="Exception"/>. Immutable.</summary>
public sealed record TaskError : ExtensibleRecord
{
    /// <summary>One of <see cref="ErrorCodes"/>, or the user's own.</summary>
    public required string Code { get; init; }

    /// <summary>What happened, for people.</summary>
    public required string Message { get; init; }

    /// <summary>The name of the exception's type, if there was one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Type { get; init; }

    /// <summary>Whether trying again may help. Default: null, the code decides; when set, it beats the code.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? IsTransient { get; init; }

    /// <summary>How long to wait before trying again at least, when the other side said so.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Code and message in one line.</summary>
    public override string ToString() => $"{Code}: {Message}";
}
