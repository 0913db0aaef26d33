using System.Xml.Linq;
using ReleasePipeline.Workspaces;

namespace ReleasePipeline.Libraries;

/// <summary>Finds the test projects of a library in the tree around it.</summary>
internal static class TestProjects
{
    private const string TestSdk = "Microsoft.NET.Test.Sdk";

    /// <summary>
    /// The projects that refer to the library and to the test SDK, be it themselves or in a <c>Directory.Build.props</c> above. If some are
    /// named after the library, as in <c>Library.Tests</c>, these only: the others test something else with it.
    /// </summary>
    /// <param name="root">The tree's root.</param>
    /// <param name="library">The library.</param>
    public static IReadOnlyList<string> Find(string root, Library library)
    {
        var all = SourceFiles.Find(root, "*.csproj")
            .Where(file => References(file, library.ProjectFile) && HasTestSdk(root, file))
            .Order(StringComparer.Ordinal)
            .ToList();
        var own = all.Where(file => Path.GetFileName(file).StartsWith(library.Name + ".Test", StringComparison.OrdinalIgnoreCase)).ToList();
        return own.Count > 0 ? own : all;
    }

    private static bool References(string projectFile, string library) => Includes(projectFile, "ProjectReference")
        .Select(include => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(projectFile)!, include.Replace('\\', '/'))))
        .Contains(library, StringComparer.OrdinalIgnoreCase);

    private static bool HasTestSdk(string root, string projectFile)
    {
        if (Includes(projectFile, "PackageReference").Contains(TestSdk))
        {
            return true;
        }

        for (var folder = Path.GetDirectoryName(projectFile); folder?.Length >= root.Length; folder = Path.GetDirectoryName(folder))
        {
            var props = Path.Combine(folder, "Directory.Build.props");
            if (File.Exists(props) && Includes(props, "PackageReference").Contains(TestSdk))
            {
                return true;
            }
        }

        return false;
    }

    private static IEnumerable<string> Includes(string file, string item) =>
        XDocument.Load(file).Descendants()
            .Where(element => element.Name.LocalName == item)
            .Select(element => element.Attribute("Include")?.Value ?? "");
}
