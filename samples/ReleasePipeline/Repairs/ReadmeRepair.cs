using ReleasePipeline.Packages;

namespace ReleasePipeline.Repairs;

/// <summary>Packs the readme that there is, or writes one from what the library says about itself.</summary>
internal sealed class ReadmeRepair() : Repair(FindingCode.ReadmeMissing)
{
    private const string Name = "README.md";

    /// <inheritdoc />
    protected override string? Apply(RepairContext context)
    {
        var file = context.FindUpwards(Name);
        var written = file is null;
        if (file is null)
        {
            file = Path.Combine(context.Library.Folder, Name);
            File.WriteAllText(file, ReadmeText.Write(context.Library));
        }

        context.Pack(file);
        var changed = context.Project.SetProperty("PackageReadmeFile", Name);
        return written ? $"wrote and packed {Name}" : changed ? $"packed {Name}" : null;
    }
}
