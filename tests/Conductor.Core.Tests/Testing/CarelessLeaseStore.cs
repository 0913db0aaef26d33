using Conductor.State;

namespace Conductor.Tests.Testing;

/// <summary>Leases that break the promises of taking over: whoever comes gets the lease, however it changed since it was observed.</summary>
internal sealed class CarelessLeaseStore(LeaseStore inner) : LeaseStore
{
    protected override ValueTask<Lease?> TryAcquireCoreAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        inner.TryAcquireAsync(name, owner, duration, cancellationToken);

    protected override async ValueTask<Lease?> TryTakeOverCoreAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        while (true)
        {
            var current = await inner.GetAsync(observed.Name, cancellationToken);
            var taken = current is null
                ? await inner.TryAcquireAsync(observed.Name, owner, duration, cancellationToken)
                : await inner.TryTakeOverAsync(current, owner, duration, cancellationToken);
            if (taken is not null)
            {
                return taken;
            }
        }
    }

    protected override ValueTask<Lease?> TryRenewCoreAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken) =>
        inner.TryRenewAsync(lease, duration, cancellationToken);

    protected override ValueTask<bool> ReleaseCoreAsync(Lease lease, CancellationToken cancellationToken) => inner.ReleaseAsync(lease, cancellationToken);

    protected override ValueTask<Lease?> GetCoreAsync(string name, CancellationToken cancellationToken) => inner.GetAsync(name, cancellationToken);
}
