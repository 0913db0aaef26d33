namespace Conductor.Tests.Budgets;

/// <summary>Tests that count bytes of the whole process: they run alone, after all others.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
