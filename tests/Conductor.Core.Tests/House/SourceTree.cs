using System.Runtime.CompilerServices;

namespace Conductor.Tests.House;

/// <summary>The files of the repository.</summary>
internal static class SourceTree
{
    public static string Root { get; } = FindRoot();

    /// <summary>The C# files under src, by their path from the root.</summary>
    public static IReadOnlyList<string> SourceFiles { get; } =
    [
        .. Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/"))
            .Order(StringComparer.Ordinal),
    ];

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot([CallerFilePath] string thisFile = "") =>
        // Deterministic builds may map paths: then the tree is above the output.
        (Above(Path.GetDirectoryName(thisFile)) ?? Above(AppContext.BaseDirectory)) ?? throw new DirectoryNotFoundException("Conductor.sln was not found.");

    private static string? Above(string? directory)
    {
        while (directory is not null && !File.Exists(Path.Combine(directory, "Conductor.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory;
    }
}
