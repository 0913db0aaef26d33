using System.Text.RegularExpressions;

namespace Conductor.Tests.House;

/// <summary>The house rules about files.</summary>
public sealed partial class SourceRuleTests
{
    private const int LongestFile = 350;
    private const int LongestLine = 160;

    public static TheoryData<string> Files => [.. SourceTree.SourceFiles];

    [Theory]
    [MemberData(nameof(Files))]
    public void File_IsNotLongerThan350Lines_NorALineThan160Characters(string file)
    {
        var lines = SourceTree.Read(file).TrimEnd().Split('\n');

        lines.Length.Should().BeLessThanOrEqualTo(LongestFile, "{0} should stay readable", file);
        lines.Where(static line => line.Length > LongestLine).Should().BeEmpty("{0} should stay readable", file);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void File_HasOneTopLevelType_NamedLikeTheFile(string file)
    {
        var types = TopLevelType().Matches(SourceTree.Read(file)).Select(match => match.Groups["name"].Value).ToList();

        types.Should().ContainSingle("{0} holds one type", file);
        Path.GetFileName(file).Split('.')[0].Should().Be(types[0]);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void File_NamespaceIsItsFolder(string file)
    {
        var declared = Namespace().Match(SourceTree.Read(file)).Groups["name"].Value;
        var parts = file.Split('/')[1..^1];
        var expected = string.Join('.', parts).Replace("Conductor.Core", "Conductor");

        declared.Should().BeOneOf(expected, "Microsoft.Extensions.DependencyInjection");
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Awaits_AreConfigured(string file)
    {
        var text = Comments().Replace(SourceTree.Read(file), string.Empty);
        var unconfigured = Await().Matches(text)
            .Select(match => Statement(text, match.Index))
            .Where(statement => !statement.Contains("ConfigureAwait(") && !statement.Contains("Task.Yield()")
                && !statement.StartsWith("await using var disposal"));

        unconfigured.Should().BeEmpty("library code in {0} does not need its caller's context", file);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Comments_HoldNoPlans(string file) =>
        SourceTree.Read(file).Should().NotMatchRegex(@"//.*\b(TODO|FIXME|HACK|XXX)\b");

    private static string Statement(string text, int start)
    {
        var depth = 0;
        for (var i = start; i < text.Length; i++)
        {
            depth += text[i] switch { '(' or '{' or '[' => 1, ')' or '}' or ']' => -1, _ => 0 };
            if (depth < 0 || (depth == 0 && text[i] == ';'))
            {
                return text[start..i];
            }
        }

        return text[start..];
    }

    [GeneratedRegex(
        @"^(?:public |internal |file )?(?:(?:static|sealed|abstract|readonly|partial|ref) )*" +
        @"(?:class|record struct|record|struct|interface|enum|delegate \S+) (?<name>\w+)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex TopLevelType();

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"\bawait (?!foreach)")]
    private static partial Regex Await();

    [GeneratedRegex(@"//.*|""(?:[^""\\\n]|\\.)*""")]
    private static partial Regex Comments();
}
