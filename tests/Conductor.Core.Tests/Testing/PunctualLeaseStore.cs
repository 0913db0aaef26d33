using Conductor.State;

namespace Conductor.Tests.Testing;

/// <summary>Leases that are not renewed once they ran out, though nobody took them.</summary>
internal sealed class PunctualLeaseStore(LeaseStore inner) : LeaseStore
{
    protected override ValueTask<Lease?> TryAcquireCoreAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        inner.TryAcquireAsync(name, owner, duration, cancellationToken);

    protected override ValueTask<Lease?> TryTakeOverCoreAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        inner.TryTakeOverAsync(observed, owner, duration, cancellationToken);

    protected override async ValueTask<Lease?> TryRenewCoreAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken) =>
        await inner.GetAsync(lease.Name, cancellationToken) is null ? null : await inner.TryRenewAsync(lease, duration, cancellationToken);

    protected override ValueTask<bool> ReleaseCoreAsync(Lease lease, CancellationToken cancellationToken) => inner.ReleaseAsync(lease, cancellationToken);

    protected override ValueTask<Lease?> GetCoreAsync(string name, CancellationToken cancellationToken) => inner.GetAsync(name, cancellationToken);
}
