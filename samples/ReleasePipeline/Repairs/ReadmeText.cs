using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ReleasePipeline.Libraries;

namespace ReleasePipeline.Repairs;

/// <summary>Writes a readme from a library's project and its XML documentation.</summary>
internal static partial class ReadmeText
{
    /// <summary>The text.</summary>
    /// <param name="library">A library that was built.</param>
    public static string Write(Library library)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {library.PackageId}\n\n");
        if (library.Description.Length > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{library.Description}\n\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"```shell\ndotnet add package {library.PackageId}\n```\n");
        var types = ReadTypes(library).ToList();
        if (types.Count > 0)
        {
            text.Append("\n| Type | What it is |\n|---|---|\n");
            types.ForEach(type => text.Append(CultureInfo.InvariantCulture, $"| `{type.Name}` | {type.Summary} |\n"));
        }

        return text.ToString();
    }

    private static IEnumerable<(string Name, string Summary)> ReadTypes(Library library)
    {
        var documentation = Path.ChangeExtension(library.AssemblyPath, ".xml");
        if (!File.Exists(documentation))
        {
            return [];
        }

        var isPublic = PublicApi.Read(library.AssemblyPath).Types.ToHashSet();
        return XDocument.Load(documentation).Descendants("member")
            .Select(member => (Id: member.Attribute("name")?.Value ?? "", Summary: member.Element("summary")))
            .Where(member => member.Summary is not null && member.Id.StartsWith("T:", StringComparison.Ordinal))
            .Where(member => isPublic.Contains(member.Id[2..]))
            .Select(member => (member.Id[2..], Plain(member.Summary!)))
            .OrderBy(type => type.Item1, StringComparer.Ordinal);
    }

    private static string Plain(XElement summary)
    {
        var text = string.Concat(summary.Nodes().Select(node => node switch
        {
            XElement { Name.LocalName: "see" } see =>
                $"`{(see.Attribute("cref") ?? see.Attribute("langword"))?.Value.Split('.', ':')[^1]}`",
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement element => element.Value,
            _ => node.ToString(),
        }));
        return Spaces().Replace(text, " ").Trim().Replace("|", "\\|", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Spaces();
}
