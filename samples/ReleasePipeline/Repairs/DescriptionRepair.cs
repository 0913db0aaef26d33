using ReleasePipeline.Packages;

namespace ReleasePipeline.Repairs;

/// <summary>Describes the package by the first sentence of the readme. Without a readme it does nothing.</summary>
internal sealed class DescriptionRepair() : Repair(FindingCode.DescriptionMissing)
{
    /// <inheritdoc />
    protected override string? Apply(RepairContext context)
    {
        var sentence = context.FindUpwards("README.md") is { } readme
            ? File.ReadLines(readme).Select(line => line.Trim()).FirstOrDefault(line => line.Length > 0 && char.IsLetter(line[0]))
            : null;
        return sentence is not null && context.Project.SetProperty("Description", sentence) ? $"described the package: {sentence}" : null;
    }
}
