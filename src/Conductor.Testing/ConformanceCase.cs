namespace Conductor.Testing;

/// <summary>One sentence that a provider has to keep, and how it is held to it.</summary>
public sealed class ConformanceCase
{
    private readonly Func<Task> _run;

    internal ConformanceCase(string name, Func<Task> run)
    {
        Name = name;
        _run = run;
    }

    /// <summary>The sentence.</summary>
    public string Name { get; }

    /// <summary>Holds a fresh provider to it.</summary>
    /// <exception cref="ConformanceException">The provider does not keep it.</exception>
    public Task RunAsync() => _run();

    /// <summary>The sentence.</summary>
    public override string ToString() => Name;
}
