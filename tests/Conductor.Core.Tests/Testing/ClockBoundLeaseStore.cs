using Conductor.State;

namespace Conductor.Tests.Testing;

/// <summary>
/// Leases that know no other way to change hands than to run out by the clock, and whose owner before goes on renewing and releasing: a fence
/// that is the same for all.
/// </summary>
internal sealed class ClockBoundLeaseStore(LeaseStore inner) : LeaseStore
{
    protected override ValueTask<Lease?> TryAcquireCoreAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        inner.TryAcquireAsync(name, owner, duration, cancellationToken);

    protected override ValueTask<Lease?> TryTakeOverCoreAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        inner.TryAcquireAsync(observed.Name, owner, duration, cancellationToken);

    protected override async ValueTask<Lease?> TryRenewCoreAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken) =>
        await inner.TryRenewAsync(await CurrentAsync(lease, cancellationToken), duration, cancellationToken);

    protected override async ValueTask<bool> ReleaseCoreAsync(Lease lease, CancellationToken cancellationToken) =>
        await inner.ReleaseAsync(await CurrentAsync(lease, cancellationToken), cancellationToken);

    protected override ValueTask<Lease?> GetCoreAsync(string name, CancellationToken cancellationToken) => inner.GetAsync(name, cancellationToken);

    private async ValueTask<Lease> CurrentAsync(Lease lease, CancellationToken cancellationToken) =>
        await inner.GetAsync(lease.Name, cancellationToken) ?? lease;
}
