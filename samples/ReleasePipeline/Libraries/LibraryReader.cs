using System.Text.Json;
using ReleasePipeline.Packages;
using ReleasePipeline.Tools;

namespace ReleasePipeline.Libraries;

/// <summary>Asks the build what a project is, instead of reading its XML: most settings come from files above it.</summary>
internal sealed class LibraryReader(DotNet dotnet)
{
    private static readonly string[] Properties =
        ["OutputType", "IsPackable", "IsTestProject", "PackageId", "Version", "Description", "AssemblyName", "TargetPath", "AnalysisMode"];

    /// <summary>Reads a library's project.</summary>
    /// <param name="projectFile">The project file.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InputException">It is not a library that can be packed.</exception>
    public async Task<Library> ReadAsync(string projectFile, CancellationToken cancellationToken)
    {
        var name = Path.GetFileName(projectFile);
        var frameworks = (await EvaluateAsync(projectFile, ["TargetFramework", "TargetFrameworks"], [], cancellationToken)).Properties;
        var framework = TargetFrameworks.Best($"{frameworks["TargetFrameworks"]};{frameworks["TargetFramework"]}")
            ?? throw new InputException(
                $"{name} targets '{frameworks["TargetFrameworks"]}{frameworks["TargetFramework"]}', which a console program for "
                + $"{TargetFrameworks.Current} cannot use. Add a target framework without a platform.");
        var (facts, references) = await EvaluateAsync(projectFile, Properties, [$"-p:TargetFramework={framework}"], cancellationToken);
        if (!string.Equals(facts["OutputType"], "Library", StringComparison.OrdinalIgnoreCase))
        {
            throw new InputException(
                $"{name} builds a program (OutputType {facts["OutputType"]}), not a library. Give the folder of a class library.");
        }

        if (!IsTrue(facts["IsPackable"]) || IsTrue(facts["IsTestProject"]))
        {
            throw new InputException(
                $"{name} is a test project or not packable. Give the folder of a class library, or set IsPackable to true in it.");
        }

        return new Library
        {
            ProjectFile = projectFile,
            PackageId = facts["PackageId"],
            Version = facts["Version"].Split('-', '+')[0],
            Description = facts["Description"] == PackageInspector.DefaultDescription ? "" : facts["Description"],
            AssemblyName = facts["AssemblyName"],
            TargetFramework = framework,
            AssemblyPath = facts["TargetPath"],
            AnalysisMode = facts["AnalysisMode"],
            References = references,
        };
    }

    private async Task<(IReadOnlyDictionary<string, string> Properties, IReadOnlyList<string> References)> EvaluateAsync(
        string projectFile, string[] properties, string[] arguments, CancellationToken cancellationToken)
    {
        var result = await dotnet.RunAsync(
            Path.GetDirectoryName(projectFile)!,
            ["msbuild", projectFile, .. arguments, "-getProperty:" + string.Join(',', properties), "-getItem:ProjectReference"],
            cancellationToken);
        using var json = JsonDocument.Parse(result.EnsureSucceeded().Output);
        return (
            json.RootElement.GetProperty("Properties").Deserialize<Dictionary<string, string>>()!,
            [.. json.RootElement.GetProperty("Items").GetProperty("ProjectReference").EnumerateArray()
                .Where(IsPackageDependency)
                .Select(reference => reference.GetProperty("FullPath").GetString()!)]);
    }

    private static bool IsPackageDependency(JsonElement reference) =>
        !Says(reference, "PrivateAssets", "all") && !Says(reference, "ReferenceOutputAssembly", "false");

    private static bool Says(JsonElement item, string metadata, string value) =>
        item.TryGetProperty(metadata, out var said) && string.Equals(said.GetString(), value, StringComparison.OrdinalIgnoreCase);

    private static bool IsTrue(string value) => string.Equals(value, "true", StringComparison.OrdinalIgnoreCase);
}
