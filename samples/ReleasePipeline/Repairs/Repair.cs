using ReleasePipeline.Libraries;
using ReleasePipeline.Packages;

namespace ReleasePipeline.Repairs;

/// <summary>Knows how to remove one kind of finding from any library that has it.</summary>
internal abstract class Repair(FindingCode code)
{
    /// <summary>The kind of finding.</summary>
    public FindingCode Code { get; } = code;

    /// <summary>Repairs it, if it can be.</summary>
    /// <param name="finding">The finding.</param>
    /// <param name="library">The library.</param>
    /// <param name="root">The root of the tree that the library is in.</param>
    /// <returns>What was done, for people; null if there was nothing it could do.</returns>
    public string? Apply(Finding finding, Library library, string root)
    {
        var project = new ProjectFile(library.ProjectFile);
        var done = Apply(new RepairContext { Finding = finding, Library = library, Root = root, Project = project });
        if (done is not null)
        {
            project.Save();
        }

        return done;
    }

    /// <summary>Repairs it, if it can be; the project file is saved afterwards.</summary>
    /// <param name="context">What is wrong, and where.</param>
    /// <returns>What was done, for people; null if there was nothing it could do.</returns>
    protected abstract string? Apply(RepairContext context);
}
