using ReleasePipeline.Libraries;
using ReleasePipeline.Packages;

namespace ReleasePipeline.Repairs;

/// <summary>What a repair works on.</summary>
internal sealed record RepairContext
{
    /// <summary>What is wrong.</summary>
    public required Finding Finding { get; init; }

    /// <summary>The library.</summary>
    public required Library Library { get; init; }

    /// <summary>The root of the tree that the library is in.</summary>
    public required string Root { get; init; }

    /// <summary>Its project file.</summary>
    public required ProjectFile Project { get; init; }

    /// <summary>Finds a file beside the project or in a folder above, up to the root.</summary>
    /// <param name="names">The names it may have, the best first.</param>
    /// <returns>Its path, or null.</returns>
    public string? FindUpwards(params string[] names)
    {
        for (var folder = Library.Folder; folder is not null && folder.Length >= Root.Length; folder = Path.GetDirectoryName(folder))
        {
            if (names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) is { } file)
            {
                return file;
            }
        }

        return null;
    }

    /// <summary>Puts a file into the package's root.</summary>
    /// <param name="file">The file's path.</param>
    public void Pack(string file)
    {
        var include = Path.GetRelativePath(Project.Folder, file).Replace('\\', '/');
        if (Project.FindItem(Path.GetFileName(file)) is { } item)
        {
            item.SetAttributeValue("Pack", "true");
            item.SetAttributeValue("PackagePath", "/");
        }
        else
        {
            Project.AddItem("None", ("Include", include), ("Pack", "true"), ("PackagePath", "/"));
        }
    }
}
