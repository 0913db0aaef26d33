using System.IO.Compression;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace ReleasePipeline.Packages;

/// <summary>Reads a package as it lies in the feed and says what its metadata and files lack.</summary>
internal static class PackageInspector
{
    /// <summary>What the build writes when nobody described the package.</summary>
    public const string DefaultDescription = "Package Description";

    /// <summary>Inspects a package.</summary>
    /// <param name="file">The .nupkg file; its .snupkg is looked for beside it.</param>
    public static IReadOnlyList<Finding> Inspect(string file)
    {
        using var package = ZipFile.OpenRead(file);
        var name = Path.GetFileName(file);
        return [.. InspectMetadata(package, name), .. InspectAssemblies(package, HasSymbolsPackage(file))];
    }

    private static IEnumerable<Finding> InspectMetadata(ZipArchive package, string name)
    {
        using var stream = package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.OrdinalIgnoreCase)).Open();
        var metadata = XDocument.Load(stream).Root!.Elements().Single(element => element.Name.LocalName == "metadata")
            .Elements().ToLookup(element => element.Name.LocalName, element => element.Value.Trim());
        if (!IsFile(package, metadata["readme"].FirstOrDefault()))
        {
            yield return New(FindingCode.ReadmeMissing, name, "The package has no readme.");
        }

        if (string.IsNullOrEmpty(metadata["license"].FirstOrDefault()))
        {
            yield return New(FindingCode.LicenceMissing, name, "The package has no licence: nobody may use it.");
        }

        if (metadata["description"].FirstOrDefault() is null or "" or DefaultDescription)
        {
            yield return New(FindingCode.DescriptionMissing, name, "The package does not say what it is for.");
        }
    }

    private static IEnumerable<Finding> InspectAssemblies(ZipArchive package, bool hasSymbolsPackage)
    {
        foreach (var assembly in package.Entries.Where(IsLibrary))
        {
            if (!IsFile(package, Path.ChangeExtension(assembly.FullName, ".xml")))
            {
                yield return New(FindingCode.DocumentationMissing, assembly.FullName, "There is no XML documentation beside the assembly.");
            }

            if (!hasSymbolsPackage && !IsFile(package, Path.ChangeExtension(assembly.FullName, ".pdb")) && !HasEmbeddedSymbols(assembly))
            {
                yield return New(FindingCode.SymbolsMissing, assembly.FullName, "There is no symbols package, and no symbols inside.");
            }
        }
    }

    private static bool IsLibrary(ZipArchiveEntry entry) =>
        entry.FullName.StartsWith("lib/", StringComparison.Ordinal)
        && entry.FullName.EndsWith(".dll", StringComparison.OrdinalIgnoreCase)
        && !entry.FullName.EndsWith(".resources.dll", StringComparison.OrdinalIgnoreCase);

    private static bool IsFile(ZipArchive package, string? path) =>
        path is not null && package.GetEntry(path.Replace('\\', '/').TrimStart('/')) is not null;

    private static bool HasSymbolsPackage(string file) => File.Exists(Path.ChangeExtension(file, ".snupkg"));

    private static bool HasEmbeddedSymbols(ZipArchiveEntry assembly)
    {
        using var memory = new MemoryStream();
        using (var stream = assembly.Open())
        {
            stream.CopyTo(memory);
        }

        memory.Position = 0;
        using var image = new PEReader(memory);
        return image.ReadDebugDirectory().Any(entry => entry.Type == DebugDirectoryEntryType.EmbeddedPortablePdb);
    }

    private static Finding New(FindingCode code, string subject, string message) =>
        new() { Code = code, Subject = subject, Message = message };
}
