using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

/// <summary>A store in memory with the leases of a test.</summary>
internal sealed class LeasesOfAnotherKind : DelegatingStateManager
{
    public LeasesOfAnotherKind(ConductorEnvironment environment, Func<LeaseStore, LeaseStore> leases)
        : base(new InMemoryStateManager(environment), environment) => Leases = leases(Inner.Leases);

    public override LeaseStore Leases { get; }
}
