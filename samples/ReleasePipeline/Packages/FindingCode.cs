namespace ReleasePipeline.Packages;

/// <summary>What can be wrong with a released package. A repair is looked up by it.</summary>
internal enum FindingCode
{
    /// <summary>The package has no readme.</summary>
    ReadmeMissing,

    /// <summary>The package has no licence.</summary>
    LicenceMissing,

    /// <summary>The package has no description of its own.</summary>
    DescriptionMissing,

    /// <summary>An assembly has no XML documentation beside it.</summary>
    DocumentationMissing,

    /// <summary>There are no symbols to debug with.</summary>
    SymbolsMissing,

    /// <summary>The library looks for a file at run time that the package does not bring.</summary>
    RuntimeFileMissing,

    /// <summary>A public type or member of the built assembly is not in the package.</summary>
    ApiMissing,

    /// <summary>The installed library throws what it must not throw.</summary>
    Crash,
}
