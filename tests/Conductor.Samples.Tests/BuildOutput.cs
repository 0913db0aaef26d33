using System.Reflection;

namespace Conductor.Samples.Tests;

/// <summary>Where the build put things; it tells so in the assembly's metadata.</summary>
internal static class BuildOutput
{
    private static readonly Dictionary<string, string?> _metadata = typeof(BuildOutput).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .ToDictionary(static attribute => attribute.Key, static attribute => attribute.Value);

    public static string RepositoryRoot => Find("RepositoryRoot");

    public static string ProgramOf(string sample) => Find($"Sample:{sample}");

    private static string Find(string key) => _metadata.GetValueOrDefault(key)
        ?? throw new InvalidOperationException($"The build told nothing about '{key}'; see DescribeSamples in Conductor.Samples.Tests.csproj.");
}
