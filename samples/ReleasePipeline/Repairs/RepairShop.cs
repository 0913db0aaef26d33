using ReleasePipeline.Libraries;
using ReleasePipeline.Packages;

namespace ReleasePipeline.Repairs;

/// <summary>Repairs findings, those that it can.</summary>
internal sealed class RepairShop
{
    private readonly Dictionary<FindingCode, Repair> _repairs = new Repair[]
    {
        new ReadmeRepair(),
        new LicenceRepair(),
        new DescriptionRepair(),
        new DocumentationRepair(),
        new SymbolsRepair(),
        new RuntimeFileRepair(),
    }.ToDictionary(repair => repair.Code);

    /// <summary>Repairs a finding.</summary>
    /// <param name="finding">The finding.</param>
    /// <param name="library">The library.</param>
    /// <param name="root">The root of the tree that the library is in.</param>
    /// <returns>What was done, for people; null if it cannot be repaired.</returns>
    public string? TryRepair(Finding finding, Library library, string root) =>
        _repairs.TryGetValue(finding.Code, out var repair) ? repair.Apply(finding, library, root) : null;
}
