using ReleasePipeline.Packages;

namespace ReleasePipeline.Repairs;

/// <summary>Lets the build write the XML documentation file, without asking for documentation that nobody wrote yet.</summary>
internal sealed class DocumentationRepair() : Repair(FindingCode.DocumentationMissing)
{
    /// <inheritdoc />
    protected override string? Apply(RepairContext context)
    {
        if (!context.Project.SetProperty("GenerateDocumentationFile", "true"))
        {
            return null;
        }

        context.Project.SetProperty("NoWarn", "$(NoWarn);CS1591");
        return "turned the XML documentation file on";
    }
}
