using System.Xml.Linq;

namespace ReleasePipeline.Testing;

/// <summary>How many tests ran and how they ended. Immutable.</summary>
internal sealed record TestCounts
{
    /// <summary>Those that passed.</summary>
    public int Passed { get; init; }

    /// <summary>Those that failed.</summary>
    public int Failed { get; init; }

    /// <summary>Those that were not run.</summary>
    public int Skipped { get; init; }

    /// <summary>The names of those that failed.</summary>
    public IReadOnlyList<string> Failures { get; init; } = [];

    /// <summary>Reads the result files that <c>dotnet test --logger trx</c> left in a folder.</summary>
    /// <param name="folder">The folder; it need not exist.</param>
    public static TestCounts Read(string folder)
    {
        var outcomes = (Directory.Exists(folder) ? Directory.GetFiles(folder, "*.trx") : [])
            .SelectMany(file => XDocument.Load(file).Descendants())
            .Where(element => element.Name.LocalName == "UnitTestResult")
            .ToLookup(result => result.Attribute("outcome")?.Value, result => result.Attribute("testName")?.Value ?? "?");
        return new TestCounts
        {
            Passed = outcomes["Passed"].Count(),
            Failed = outcomes["Failed"].Count(),
            Skipped = outcomes["NotExecuted"].Count(),
            Failures = [.. outcomes["Failed"]],
        };
    }
}
