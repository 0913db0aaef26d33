namespace ReleasePipeline.Workspaces;

/// <summary>Tells the files that people wrote from those that builds and tools left among them.</summary>
internal static class SourceFiles
{
    private static readonly HashSet<string> NotSource = new(StringComparer.OrdinalIgnoreCase)
    {
        "bin", "obj", "artifacts", "TestResults", "BenchmarkDotNet.Artifacts", "StrykerOutput", "node_modules",
        ".git", ".vs", ".idea", ".vscode",
    };

    /// <summary>Whether a folder holds source; one that is a link does not, so that nothing outside the tree is reached.</summary>
    /// <param name="folder">The folder.</param>
    public static bool IsSource(DirectoryInfo folder) => folder.LinkTarget is null && !NotSource.Contains(folder.Name);

    /// <summary>The source files of a folder and of the folders below.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="pattern">What their names are like.</param>
    public static IEnumerable<string> Find(string folder, string pattern) =>
        Directory.EnumerateFiles(folder, pattern)
            .Concat(new DirectoryInfo(folder).EnumerateDirectories().Where(IsSource).SelectMany(below => Find(below.FullName, pattern)));

    /// <summary>Copies them.</summary>
    /// <param name="from">The folder to copy.</param>
    /// <param name="to">The folder to copy it to; it is made.</param>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        var folder = new DirectoryInfo(from);
        foreach (var file in folder.EnumerateFiles().Where(file => file.LinkTarget is null))
        {
            File.SetAttributes(file.CopyTo(Path.Combine(to, file.Name)).FullName, FileAttributes.Normal);
        }

        foreach (var below in folder.EnumerateDirectories().Where(IsSource))
        {
            Copy(below.FullName, Path.Combine(to, below.Name));
        }
    }
}
