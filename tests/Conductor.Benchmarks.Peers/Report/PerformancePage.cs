namespace Conductor.Benchmarks.Peers.Report;

/// <summary>The page in the documentation, and the place in it where the figures stand, between two comments.</summary>
internal sealed class PerformancePage
{
    private const string Solution = "Conductor.sln";
    private const string Page = "docs/performance.md";
    private const string Chart = "docs/performance.svg";

    private readonly string _root;
    private readonly string _begin;
    private readonly string _end;

    private PerformancePage(string root, string mark) => (_root, _begin, _end) = (root, $"<!-- {mark}:begin -->", $"<!-- {mark}:end -->");

    /// <summary>The files that were written.</summary>
    public string Files { get; private set; } = Page;

    /// <summary>Finds the page, and complains if there is no place in it: better before measuring for half an hour than after.</summary>
    /// <param name="isDurable">Whether the place for durable work is meant, which is another.</param>
    public static PerformancePage Find(bool isDurable)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, Solution)))
        {
            folder = folder.Parent;
        }

        var page = new PerformancePage(
            folder?.FullName ?? throw new UsageException($"--write: no folder above the program has {Solution}; run it inside the repository."),
            isDurable ? "peers-durable" : "peers");
        page.Split();
        return page;
    }

    public void Write(string figures, string? chart)
    {
        var (before, after) = Split();
        var picture = string.Empty;
        if (chart is not null)
        {
            File.WriteAllText(Path.Combine(_root, Chart), chart);
            picture = $"![Times of Conductor and its peers]({Path.GetFileName(Chart)})\n\n";
            Files = $"{Page}, {Chart}";
        }

        File.WriteAllText(Path.Combine(_root, Page), $"{before}\n{picture}{figures}\n{after}");
    }

    /// <summary>What stands up to the first comment and from the second on.</summary>
    private (string Before, string After) Split()
    {
        var path = Path.Combine(_root, Page);
        var text = File.Exists(path) ? File.ReadAllText(path) : throw new UsageException($"--write: there is no {Page}.");
        var begin = text.IndexOf(_begin, StringComparison.Ordinal);
        var end = text.IndexOf(_end, StringComparison.Ordinal);
        if (begin < 0 || end < begin)
        {
            throw new UsageException(
                $"--write: {Page} lacks {(begin < 0 ? $"'{_begin}'" : $"'{_end}' after '{_begin}'")}. Add both lines where the figures belong.");
        }

        return (text[..(begin + _begin.Length)] + "\n", text[end..]);
    }
}
