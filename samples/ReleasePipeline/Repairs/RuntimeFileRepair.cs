using ReleasePipeline.Packages;
using ReleasePipeline.Workspaces;

namespace ReleasePipeline.Repairs;

/// <summary>
/// Packs a file that the library reads from the program's folder at run time, so that NuGet copies it there, too: until then only the
/// build of the library itself and of its tests did.
/// </summary>
internal sealed class RuntimeFileRepair() : Repair(FindingCode.RuntimeFileMissing)
{
    /// <inheritdoc />
    protected override string? Apply(RepairContext context)
    {
        var name = context.Finding.Subject;
        if (SourceFiles.Find(context.Library.Folder, name).FirstOrDefault() is not { } path)
        {
            return null;
        }

        var file = Path.GetRelativePath(context.Library.Folder, path).Replace('\\', '/');
        var attributes = new (string Name, string Value)[]
        {
            ("CopyToOutputDirectory", "PreserveNewest"),
            ("Pack", "true"),
            ("PackagePath", "contentFiles/any/any/" + file),
            ("PackageCopyToOutput", "true"),
        };
        if (context.Project.FindItem(name) is not { } item)
        {
            context.Project.AddItem("None", [("Update", file), .. attributes]);
        }
        else if (item.Attribute("PackageCopyToOutput") is null)
        {
            foreach (var (attribute, value) in attributes)
            {
                item.SetAttributeValue(attribute, value);
            }
        }
        else
        {
            return null;
        }

        return $"packed {file} for the folder of the program that installs the library";
    }
}
