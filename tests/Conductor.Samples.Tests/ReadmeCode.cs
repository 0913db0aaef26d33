using System.Text.RegularExpressions;

namespace Conductor.Samples.Tests;

/// <summary>
/// A block of C# in a Markdown text whose first line names the file that it shows, whole (<c>// file: path/from/the/root.cs</c>) or in part
/// (<c>// from: path/from/the/root.cs</c>).
/// </summary>
internal sealed partial record ReadmeCode
{
    public required string Path { get; init; }

    public required string Text { get; init; }

    public bool IsPart { get; init; }

    public static IReadOnlyList<ReadmeCode> Find(string markdown) =>
        [.. Block().Matches(markdown.ReplaceLineEndings("\n")).Select(static match => new ReadmeCode
        {
            Path = match.Groups["path"].Value,
            Text = match.Groups["text"].Value.Trim(),
            IsPart = match.Groups["kind"].Value == "from",
        })];

    /// <summary>How many blocks of C# there are, named or not.</summary>
    public static int Count(string markdown) => markdown.ReplaceLineEndings("\n").Split("```csharp\n").Length - 1;

    /// <summary>Fails unless the file exists and its text, or a part of it, is the block's.</summary>
    public void ShouldEqualItsFile(string root)
    {
        var file = System.IO.Path.Combine(root, Path);
        File.Exists(file).Should().BeTrue($"the text shows the file {Path}");
        var text = File.ReadAllText(file).ReplaceLineEndings("\n").Trim();
        if (IsPart)
        {
            Unindented(text).Should().Contain(Unindented(Text), $"the text shows a part of {Path}");
        }
        else
        {
            text.Should().Be(Text, $"the text shows the file {Path}");
        }
    }

    /// <summary>A part stands deeper in its file than in the text that shows it.</summary>
    private static string Unindented(string text) => string.Join('\n', text.Split('\n').Select(static line => line.Trim()));

    [GeneratedRegex(@"^```csharp\n// (?<kind>file|from): (?<path>[^\n]+?) *\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
