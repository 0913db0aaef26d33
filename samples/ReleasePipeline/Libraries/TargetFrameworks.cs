using System.Text.RegularExpressions;

namespace ReleasePipeline.Libraries;

/// <summary>Chooses among target frameworks.</summary>
internal static partial class TargetFrameworks
{
    /// <summary>The framework of this runtime, such as <c>net10.0</c>.</summary>
    public static string Current { get; } = $"net{Environment.Version.Major}.{Environment.Version.Minor}";

    /// <summary>The one that a program of this runtime would use, or null.</summary>
    /// <param name="frameworks">Target frameworks, separated by semicolons.</param>
    public static string? Best(string frameworks) => frameworks
        .Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(name => (Name: name, Match: Portable().Match(name)))
        .Where(candidate => candidate.Match.Success)
        .Select(candidate => (
            candidate.Name,
            IsOlder: candidate.Match.Groups["older"].Success,
            Version: Version.Parse(candidate.Match.Groups["version"].Value)))
        .Where(candidate => candidate.IsOlder || candidate.Version <= new Version(Environment.Version.Major, Environment.Version.Minor))
        .OrderBy(candidate => candidate.IsOlder)
        .ThenByDescending(candidate => candidate.Version)
        .Select(candidate => candidate.Name)
        .FirstOrDefault();

    [GeneratedRegex(@"^net(?<older>standard|coreapp)?(?<version>\d+\.\d+)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Portable();
}
