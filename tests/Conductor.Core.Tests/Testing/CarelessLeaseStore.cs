using Conductor.State;
using Conductor.Tests.Support;

namespace Conductor.Tests.Testing;

/// <summary>Leases that break the promises of taking over: whoever comes gets the lease, however it changed since it was observed.</summary>
internal sealed class CarelessLeaseStore(LeaseStore inner) : PassingLeaseStore(inner)
{
    protected override async ValueTask<Lease?> TryTakeOverCoreAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        while (true)
        {
            var current = await Inner.GetAsync(observed.Name, cancellationToken);
            var taken = current is null
                ? await Inner.TryAcquireAsync(observed.Name, owner, duration, cancellationToken)
                : await Inner.TryTakeOverAsync(current, owner, duration, cancellationToken);
            if (taken is not null)
            {
                return taken;
            }
        }
    }
}
