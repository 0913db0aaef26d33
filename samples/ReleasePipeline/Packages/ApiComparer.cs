using ReleasePipeline.Libraries;

namespace ReleasePipeline.Packages;

/// <summary>Compares what was built and tested with what the package brings.</summary>
internal static class ApiComparer
{
    /// <summary>What is public in the built assembly and not in the package's.</summary>
    /// <param name="built">The built assembly.</param>
    /// <param name="installed">The package's assembly.</param>
    public static IEnumerable<Finding> FindMissing(PublicApi built, PublicApi installed) =>
        built.Types.Except(installed.Types)
            .Concat(built.Members.Except(installed.Members))
            .Select(symbol => new Finding
            {
                Code = FindingCode.ApiMissing,
                Subject = symbol,
                Message = "It is public in the build that was tested, but not in the package.",
            });
}
