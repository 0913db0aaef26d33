using Conductor.State;
using Conductor.Tests.Support;

namespace Conductor.Tests.Testing;

/// <summary>Leases that are not renewed once they ran out, though nobody took them.</summary>
internal sealed class PunctualLeaseStore(LeaseStore inner) : PassingLeaseStore(inner)
{
    protected override async ValueTask<Lease?> TryRenewCoreAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken) =>
        await Inner.GetAsync(lease.Name, cancellationToken) is null ? null : await Inner.TryRenewAsync(lease, duration, cancellationToken);
}
