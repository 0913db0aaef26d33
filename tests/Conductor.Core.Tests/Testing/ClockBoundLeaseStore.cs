using Conductor.State;
using Conductor.Tests.Support;

namespace Conductor.Tests.Testing;

/// <summary>
/// Leases that know no other way to change hands than to run out by the clock, and whose owner before goes on renewing and releasing: a fence
/// that is the same for all.
/// </summary>
internal sealed class ClockBoundLeaseStore(LeaseStore inner) : PassingLeaseStore(inner)
{
    protected override ValueTask<Lease?> TryTakeOverCoreAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        Inner.TryAcquireAsync(observed.Name, owner, duration, cancellationToken);

    protected override async ValueTask<Lease?> TryRenewCoreAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken) =>
        await Inner.TryRenewAsync(await CurrentAsync(lease, cancellationToken), duration, cancellationToken);

    protected override async ValueTask<bool> ReleaseCoreAsync(Lease lease, CancellationToken cancellationToken) =>
        await Inner.ReleaseAsync(await CurrentAsync(lease, cancellationToken), cancellationToken);

    private async ValueTask<Lease> CurrentAsync(Lease lease, CancellationToken cancellationToken) =>
        await Inner.GetAsync(lease.Name, cancellationToken) ?? lease;
}
