namespace ReleasePipeline.Reports;

/// <summary>The data that tests and monitoring use. Immutable.</summary>
internal sealed record TestDataReport
{
    /// <summary>A copy of the assembly that was built and tested, whose public types and members the package must have.</summary>
    public required string Assembly { get; init; }

    /// <summary>The file with the names of the public types.</summary>
    public required string TypesFile { get; init; }

    /// <summary>The file with inputs for text parsers, a JSON text a line.</summary>
    public required string InputsFile { get; init; }
}
