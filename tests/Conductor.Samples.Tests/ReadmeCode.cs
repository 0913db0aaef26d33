using System.Text.RegularExpressions;

namespace Conductor.Samples.Tests;

/// <summary>A block of C# in a Markdown text whose first line names the file that it shows: <c>// file: path/from/the/root.cs</c>.</summary>
internal sealed partial record ReadmeCode
{
    public required string Path { get; init; }

    public required string Text { get; init; }

    public static IReadOnlyList<ReadmeCode> Find(string markdown) =>
        [.. Block().Matches(markdown.ReplaceLineEndings("\n")).Select(static match => new ReadmeCode
        {
            Path = match.Groups["path"].Value,
            Text = match.Groups["text"].Value.Trim(),
        })];

    /// <summary>Fails unless the file exists and its text is the block's.</summary>
    public void ShouldEqualItsFile(string root)
    {
        var file = System.IO.Path.Combine(root, Path);
        File.Exists(file).Should().BeTrue($"the text shows the file {Path}");
        File.ReadAllText(file).ReplaceLineEndings("\n").Trim().Should().Be(Text, $"the text shows the file {Path}");
    }

    [GeneratedRegex(@"^```csharp\n// file: (?<path>[^\n]+?) *\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
