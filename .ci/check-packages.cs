#:property GenerateDocumentationFile=true
// Looks into the packages that `dotnet pack` made: what a user must find in each is there.
using System.IO.Compression;
using System.Xml.Linq;

var folder = args is [var given] ? given : "artifacts/packages";
var packages = Directory.GetFiles(folder, "*.nupkg");
var problems = new List<string>();
foreach (var package in packages)
{
    using var zip = ZipFile.OpenRead(package);
    var names = zip.Entries.Select(entry => entry.FullName).ToHashSet(StringComparer.Ordinal);
    var id = Path.GetFileNameWithoutExtension(package);
    var nuspec = zip.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal));
    using var stream = nuspec.Open();
    var metadata = XDocument.Load(stream).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
    string? Of(string name) => metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value;
    var assembly = $"lib/net10.0/{Of("id")}";

    Require(names.Contains("README.md") && Of("readme") == "README.md", "a readme");
    Require(Of("license") == "MIT", "the licence expression MIT");
    Require(Of("description") is { Length: > 40 }, "a description");
    Require(names.Contains($"{assembly}.dll"), $"{assembly}.dll");
    Require(names.Contains($"{assembly}.xml"), $"{assembly}.xml, the documentation");
    Require(File.Exists(Path.ChangeExtension(package, ".snupkg")), "a symbol package beside it");
    Console.WriteLine($"{id}: {names.Count} entries");

    void Require(bool met, string what)
    {
        if (!met)
        {
            problems.Add($"{id} lacks {what}.");
        }
    }
}

foreach (var expected in new[] { "Conductor.Core", "Conductor.Testing", "Conductor.Sqlite" })
{
    if (!packages.Any(package => Path.GetFileName(package).StartsWith(expected + ".", StringComparison.Ordinal)))
    {
        problems.Add($"There is no package {expected} in '{folder}'.");
    }
}

problems.ForEach(Console.Error.WriteLine);
return problems.Count == 0 ? 0 : 1;
