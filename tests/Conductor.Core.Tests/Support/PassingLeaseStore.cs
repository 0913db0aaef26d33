using Conductor.State;

namespace Conductor.Tests.Support;

/// <summary>Leases of another store, of which a test overrides what is to differ.</summary>
internal abstract class PassingLeaseStore(LeaseStore inner) : LeaseStore
{
    protected LeaseStore Inner => inner;

    protected override ValueTask<Lease?> TryAcquireCoreAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        inner.TryAcquireAsync(name, owner, duration, cancellationToken);

    protected override ValueTask<Lease?> TryTakeOverCoreAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        inner.TryTakeOverAsync(observed, owner, duration, cancellationToken);

    protected override ValueTask<Lease?> TryRenewCoreAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken) =>
        inner.TryRenewAsync(lease, duration, cancellationToken);

    protected override ValueTask<bool> ReleaseCoreAsync(Lease lease, CancellationToken cancellationToken) => inner.ReleaseAsync(lease, cancellationToken);

    protected override ValueTask<Lease?> GetCoreAsync(string name, CancellationToken cancellationToken) => inner.GetAsync(name, cancellationToken);
}
