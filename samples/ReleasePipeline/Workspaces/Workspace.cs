namespace ReleasePipeline.Workspaces;

/// <summary>A fresh folder in which everything happens: the copied source, the feed, and the program that installs from it.</summary>
internal sealed class Workspace : IDisposable
{
    private readonly bool _keep;

    private Workspace(string folder, bool keep)
    {
        Folder = folder;
        _keep = keep;
    }

    /// <summary>The workspace.</summary>
    public string Folder { get; }

    /// <summary>The copied tree.</summary>
    public string Source => Path.Combine(Folder, "source");

    /// <summary>Where packing puts the packages.</summary>
    public string Packages => Path.Combine(Folder, "packed");

    /// <summary>The folder feed they are pushed to.</summary>
    public string Feed => Path.Combine(Folder, "feed");

    /// <summary>The generated test data.</summary>
    public string TestData => Path.Combine(Folder, "testdata");

    /// <summary>The console project that installs the package.</summary>
    public string Consumer => Path.Combine(Folder, "consumer");

    /// <summary>Makes a workspace with a copy of a tree.</summary>
    /// <param name="tree">The tree; it is only read.</param>
    /// <param name="keep">True to leave the workspace behind.</param>
    /// <exception cref="InputException">The folder for temporary files is missing, or cannot be written to.</exception>
    public static Workspace Create(SourceTree tree, bool keep)
    {
        var workspace = new Workspace(MakeFolder(), keep);
        try
        {
            SourceFiles.Copy(tree.Root, workspace.Source);
            foreach (var folder in (string[])[workspace.Packages, workspace.Feed, workspace.TestData])
            {
                Directory.CreateDirectory(folder);
            }

            return workspace;
        }
        catch
        {
            workspace.Dispose();
            throw;
        }
    }

    private static string MakeFolder()
    {
        try
        {
            return Directory.CreateTempSubdirectory("release-pipeline-").FullName;
        }
        catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException)
        {
            throw new InputException(
                $"No workspace can be made in '{Path.GetTempPath()}', the folder for temporary files ({wrong.Message}). "
                + "Set TMPDIR (on Windows TMP) to a folder that exists and can be written to.");
        }
    }

    /// <summary>Where the copy of a file of the tree is.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="file">A file in it.</param>
    public string CopyOf(SourceTree tree, string file) => Path.Combine(Source, Path.GetRelativePath(tree.Root, file));

    /// <summary>Deletes it, unless it is to be kept.</summary>
    public void Dispose()
    {
        if (!_keep)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}
