using ReleasePipeline.Packages;

namespace ReleasePipeline.Repairs;

/// <summary>Names the licence that the tree has a text of. Without a text it does nothing: no program may choose a licence.</summary>
internal sealed class LicenceRepair() : Repair(FindingCode.LicenceMissing)
{
    private static readonly (string Text, string Expression)[] Known =
    [
        ("MIT License", "MIT"),
        ("Apache License", "Apache-2.0"),
        ("Mozilla Public License Version 2.0", "MPL-2.0"),
    ];

    /// <inheritdoc />
    protected override string? Apply(RepairContext context)
    {
        if (context.FindUpwards("LICENSE", "LICENSE.txt", "LICENSE.md") is not { } file)
        {
            return null;
        }

        var name = Path.GetFileName(file);
        var title = string.Join(' ', File.ReadLines(file).Take(3).Select(line => line.Trim()));
        if (Known.FirstOrDefault(known => title.Contains(known.Text, StringComparison.OrdinalIgnoreCase)).Expression is { } expression)
        {
            return context.Project.SetProperty("PackageLicenseExpression", expression) ? $"declared the licence {expression}, as {name} says" : null;
        }

        context.Pack(file);
        return context.Project.SetProperty("PackageLicenseFile", name) ? $"packed {name} as the licence" : null;
    }
}
