using System.Text.Json;
using System.Xml.Linq;

namespace ReleasePipeline.Testing;

/// <summary>
/// Makes inputs for a library's text parsers: the examples that its documentation gives, variations of them, and the texts that parsers
/// stumble over. The same library always gives the same inputs.
/// </summary>
internal static class TestInputs
{
    /// <summary>The file, anywhere in a test project, that a library offers for generated inputs; a JSON text a line.</summary>
    public const string FileName = "parser-inputs.txt";

    private const int MaxExamples = 40;
    private const int MaxExampleLength = 60;

    private static readonly string[] Awkward =
    [
        "", " ", "\t", "\n", "\0", "-", "+", ".", ",", "0", "-0", "00", "1", "1e9", "0x1F", "NaN", "∞", "null", "true",
        "٣ m", "½", "é", "e\u0301", "🙂", "{}", "[]", "<a/>", "\"", "'", "\\", "../..", "%s", new('9', 100), new('a', 1000),
    ];

    /// <summary>Makes the inputs.</summary>
    /// <param name="documentation">The library's XML documentation file; it need not exist.</param>
    public static IReadOnlyList<string> Make(string documentation)
    {
        var examples = File.Exists(documentation) ? ReadExamples(documentation) : [];
        return [.. examples.Concat(examples.SelectMany(Vary)).Concat(Awkward).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Writes inputs as JSON texts, one a line.</summary>
    /// <param name="file">The file.</param>
    /// <param name="inputs">The inputs.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static Task WriteAsync(string file, IReadOnlyList<string> inputs, CancellationToken cancellationToken) =>
        File.WriteAllLinesAsync(file, inputs.Select(input => JsonSerializer.Serialize(input)), cancellationToken);

    private static List<string> ReadExamples(string documentation) =>
    [
        .. XDocument.Load(documentation).Descendants("c")
            .Select(example => example.Value)
            .Where(example => example.Length <= MaxExampleLength)
            .Distinct(StringComparer.Ordinal)
            .Take(MaxExamples),
    ];

    private static IEnumerable<string> Vary(string example) =>
    [
        $"  {example} ",
        $"-{example}",
        $"{example}{example}",
        $"{example}\0",
        example.ToUpperInvariant(),
        example.Replace(" ", "", StringComparison.Ordinal),
        example.Replace('.', ','),
        example[..(example.Length / 2)],
        example[(example.Length / 2)..],
        new([.. example.Reverse()]),
    ];
}
