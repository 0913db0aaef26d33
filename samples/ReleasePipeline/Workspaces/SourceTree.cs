namespace ReleasePipeline.Workspaces;

/// <summary>A library's folder and the tree around it that its build needs. Immutable.</summary>
internal sealed record SourceTree
{
    // What the build, the formatter or the test search reads from a folder above the library.
    private static readonly string[] Markers =
    [
        "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props",
        "global.json", ".editorconfig", "nuget.config", "*.sln", "*.slnx",
    ];

    /// <summary>The topmost folder to copy.</summary>
    public required string Root { get; init; }

    /// <summary>The library's project file, in or below <see cref="Root"/>.</summary>
    public required string ProjectFile { get; init; }

    /// <summary>Finds the project in a folder and the root of the tree that it belongs to.</summary>
    /// <param name="folder">A folder with one C# project.</param>
    /// <exception cref="InputException">There is no such folder, or no project or several in it.</exception>
    public static SourceTree Find(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (!Directory.Exists(full))
        {
            throw new InputException($"There is no folder '{full}'. Give the folder of a .NET class library.");
        }

        var projects = Directory.GetFiles(full, "*.csproj");
        return projects switch
        {
            [var project] => new SourceTree { Root = FindRoot(full), ProjectFile = project },
            [] => throw new InputException($"The folder '{full}' has no .csproj file. Give the folder of the library's project file."),
            _ => throw new InputException(
                $"The folder '{full}' has {projects.Length} project files ({string.Join(", ", projects.Select(Path.GetFileName).Order())}). "
                + "Give a folder with one of them."),
        };
    }

    /// <summary>
    /// Walks up to the topmost folder with something the build reads. A repository, or an <c>.editorconfig</c> with <c>root = true</c>,
    /// is where a tree says that it ends; the home folder and the folder for temporary files are never part of one.
    /// </summary>
    private static string FindRoot(string folder)
    {
        var root = folder;
        for (var at = new DirectoryInfo(folder); at is { Parent: not null } && !IsShared(at.FullName); at = at.Parent)
        {
            var isRepository = Path.Exists(Path.Combine(at.FullName, ".git"));
            if (isRepository || Array.Exists(Markers, marker => at.EnumerateFiles(marker).Any()))
            {
                root = at.FullName;
            }

            if (isRepository || IsEditorConfigRoot(Path.Combine(at.FullName, ".editorconfig")))
            {
                break;
            }
        }

        return root;
    }

    private static bool IsShared(string folder) =>
        folder == Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)
        || folder == Path.TrimEndingDirectorySeparator(Path.GetFullPath(Path.GetTempPath()));

    private static bool IsEditorConfigRoot(string file) =>
        File.Exists(file)
        && File.ReadLines(file)
            .Select(line => line.Replace(" ", "", StringComparison.Ordinal))
            .Contains("root=true", StringComparer.OrdinalIgnoreCase);
}
