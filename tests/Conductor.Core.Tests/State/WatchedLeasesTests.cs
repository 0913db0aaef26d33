using Conductor.State;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.State;

/// <summary>What is known of the leases of others from how long they stay unchanged.</summary>
public sealed class WatchedLeasesTests
{
    private readonly FakeTimeProvider _time = new();

    /// <summary>A store may say any: whoever looks at all leases must not stumble over one.</summary>
    [Fact]
    public void IsOwnerDead_TermOfAllTime_IsNot()
    {
        var watched = new WatchedLeases(_time, TimeSpan.FromSeconds(30));
        var lease = LeaseOf(TimeSpan.MaxValue);
        watched.IsOwnerDead(lease).Should().BeFalse();

        _time.Advance(TimeSpan.FromDays(1));

        watched.IsOwnerDead(lease).Should().BeFalse();
    }

    [Fact]
    public void IsOwnerDead_UnchangedForTwoTerms_IsFromThenOn()
    {
        var watched = new WatchedLeases(_time, TimeSpan.FromSeconds(30));
        var lease = LeaseOf(TimeSpan.FromSeconds(40));
        watched.IsOwnerDead(lease).Should().BeFalse();
        _time.Advance(TimeSpan.FromSeconds(79));
        watched.IsOwnerDead(lease).Should().BeFalse();

        _time.Advance(TimeSpan.FromSeconds(1));

        watched.IsOwnerDead(lease).Should().BeTrue();
    }

    private static Lease LeaseOf(TimeSpan term) => new()
    {
        Name = "workflow:run", Owner = "owner", Fence = 1, Nonce = "nonce", ExpiresAt = DateTimeOffset.MaxValue, Term = term,
    };
}
