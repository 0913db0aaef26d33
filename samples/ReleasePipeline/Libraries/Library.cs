namespace ReleasePipeline.Libraries;

/// <summary>What the build says about the library to release. Immutable.</summary>
internal sealed record Library
{
    /// <summary>Its project file, in the workspace.</summary>
    public required string ProjectFile { get; init; }

    /// <summary>The id of its package.</summary>
    public required string PackageId { get; init; }

    /// <summary>Its version without a pre-release part.</summary>
    public required string Version { get; init; }

    /// <summary>What it says it is for; empty when it says nothing.</summary>
    public required string Description { get; init; }

    /// <summary>The name of its assembly.</summary>
    public required string AssemblyName { get; init; }

    /// <summary>The framework, of those it targets, that a program of this runtime uses.</summary>
    public required string TargetFramework { get; init; }

    /// <summary>Where a debug build puts its assembly.</summary>
    public required string AssemblyPath { get; init; }

    /// <summary>Its analysis mode; empty when it sets none.</summary>
    public required string AnalysisMode { get; init; }

    /// <summary>The project files it refers to.</summary>
    public required IReadOnlyList<string> References { get; init; }

    /// <summary>The folder of its project.</summary>
    public string Folder => Path.GetDirectoryName(ProjectFile)!;

    /// <summary>The project's name.</summary>
    public string Name => Path.GetFileNameWithoutExtension(ProjectFile);
}
