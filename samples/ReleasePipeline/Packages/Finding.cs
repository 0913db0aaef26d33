using System.Text.RegularExpressions;

namespace ReleasePipeline.Packages;

/// <summary>One thing that is wrong with a package, as the line of text that travels in feedback. Immutable.</summary>
internal sealed partial record Finding
{
    /// <summary>What is wrong.</summary>
    public required FindingCode Code { get; init; }

    /// <summary>The file, type or member it is wrong with.</summary>
    public required string Subject { get; init; }

    /// <summary>What is wrong, for people.</summary>
    public required string Message { get; init; }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <param name="line">The line.</param>
    /// <returns>The finding, or null if the line is something else.</returns>
    public static Finding? TryParse(string line) =>
        Line().Match(line) is { Success: true } match && Enum.TryParse<FindingCode>(match.Groups["code"].Value, out var code)
            ? new Finding { Code = code, Subject = match.Groups["subject"].Value, Message = match.Groups["message"].Value }
            : null;

    /// <summary>The finding as a line.</summary>
    public override string ToString() => $"{Code} [{Subject}] {Message}";

    [GeneratedRegex(@"^(?<code>\w+) \[(?<subject>.*?)\] (?<message>.*)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Line();
}
