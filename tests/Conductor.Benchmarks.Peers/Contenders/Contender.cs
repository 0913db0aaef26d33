using System.Reflection;

namespace Conductor.Benchmarks.Peers.Contenders;

/// <summary>
/// One way to have work done, measured in a process of its own. What it can be measured in shows in the interfaces it has:
/// <see cref="ICallContender"/>, <see cref="IWorkflowContender"/>, <see cref="IPublishContender"/>, <see cref="IJobContender"/>.
/// </summary>
internal abstract class Contender : IAsyncDisposable
{
    /// <summary>What it is called on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>What it is called in tables.</summary>
    public abstract string Title { get; }

    /// <summary>What it does for a call besides calling.</summary>
    public abstract Traits Traits { get; }

    /// <summary>The package and its version as loaded, or null where there is no package.</summary>
    public virtual string? Package => null;

    public abstract Task StartAsync();

    public abstract ValueTask DisposeAsync();

    /// <summary>Names a package with the version of the assembly that a type of it comes from.</summary>
    protected static string PackageOf(string name, Type type)
    {
        // Few leave it out; some write behind it where it was built from.
        var version = type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? type.Assembly.GetName().Version!.ToString(3);
        return $"{name} {version.Split('+', ' ')[0].TrimEnd('.')}";
    }
}
