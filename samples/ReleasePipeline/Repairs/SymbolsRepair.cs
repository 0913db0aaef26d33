using ReleasePipeline.Packages;

namespace ReleasePipeline.Repairs;

/// <summary>Lets packing make a symbols package.</summary>
internal sealed class SymbolsRepair() : Repair(FindingCode.SymbolsMissing)
{
    /// <inheritdoc />
    protected override string? Apply(RepairContext context)
    {
        var changed = context.Project.SetProperty("IncludeSymbols", "true") | context.Project.SetProperty("SymbolPackageFormat", "snupkg");
        return changed ? "turned the symbols package on" : null;
    }
}
