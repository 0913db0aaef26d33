namespace Conductor.Testing;

/// <content>Taking a lease from an owner who gives no sign of life.</content>
public sealed partial class LeaseStoreConformance
{
    private void AddTakeOverCases()
    {
        Add("A lease that is still as it was observed can be taken over before it runs out", async (leases, _) =>
        {
            var first = await TakeAsync(leases, "one").ConfigureAwait(false);
            var second = Check.NotNull(await leases.TryTakeOverAsync(first, "two", _term).ConfigureAwait(false), "the lease taken over");
            Check.Equal(first.Fence + 1, second.Fence, "the fence");
            Check.True(first.Nonce != second.Nonce, "another nonce");
            Check.Equal("two", second.Owner, "the owner");
            Check.Null(await leases.TryRenewAsync(first, _term).ConfigureAwait(false), "the lease of the owner before");
            Check.True(!await leases.ReleaseAsync(first).ConfigureAwait(false), "the release by the owner before to fail");
            Check.True(second.IsSameTaking(await leases.GetAsync("l").ConfigureAwait(false)), "the second to hold it");
        });
        Add("A lease that was renewed, released or taken since it was observed is not taken over", async (leases, environment) =>
        {
            var observed = await TakeAsync(leases, "one").ConfigureAwait(false);
            var renewed = Check.NotNull(await leases.TryRenewAsync(observed, _term).ConfigureAwait(false), "the renewed lease");
            Check.Null(await leases.TryTakeOverAsync(observed, "two", _term).ConfigureAwait(false), "the lease renewed since");
            await leases.ReleaseAsync(renewed).ConfigureAwait(false);
            Check.Null(await leases.TryTakeOverAsync(renewed, "two", _term).ConfigureAwait(false), "the lease released since");
            var third = await TakeAsync(leases, "three").ConfigureAwait(false);
            await environment.PassTimeAsync(_afterTerm).ConfigureAwait(false);
            var fourth = await TakeAsync(leases, "four").ConfigureAwait(false);
            Check.Null(await leases.TryTakeOverAsync(third, "two", _term).ConfigureAwait(false), "the lease taken since");
            Check.True(fourth.IsSameTaking(await leases.GetAsync("l").ConfigureAwait(false)), "the last taker to hold it");
        });
        Add("A lease is taken over by its latest renewal, and also once it ran out", async (leases, environment) =>
        {
            var first = await TakeAsync(leases, "one").ConfigureAwait(false);
            var renewed = Check.NotNull(await leases.TryRenewAsync(first, _term).ConfigureAwait(false), "the renewed lease");
            var second = Check.NotNull(await leases.TryTakeOverAsync(renewed, "two", _term).ConfigureAwait(false), "the renewed lease taken over");
            Check.Equal(0, second.Renewal, "renewals of a new taking");
            await environment.PassTimeAsync(_afterTerm).ConfigureAwait(false);
            var third = Check.NotNull(await leases.TryTakeOverAsync(second, "three", _term).ConfigureAwait(false), "the lease that ran out taken over");
            Check.Equal(first.Fence + 2, third.Fence, "the fence");
            Check.True(third.IsSameTaking(await leases.GetAsync("l").ConfigureAwait(false)), "the third to hold it for a term of its own");
        });
        Add("A lease with the current fence but another nonce is not taken over", async (leases, _) =>
        {
            var lease = await TakeAsync(leases, "one").ConfigureAwait(false);
            Check.Null(await leases.TryTakeOverAsync(lease with { Nonce = "forged" }, "two", _term).ConfigureAwait(false), "the forged lease");
            Check.True(lease.IsSameTaking(await leases.GetAsync("l").ConfigureAwait(false)), "the owner to hold it still");
        });
        Add("A lease nobody ever took is not taken over", async (leases, environment) =>
        {
            var unknown = new State.Lease { Name = "unknown", Owner = "one", Fence = 1, Nonce = "n", ExpiresAt = environment.Time.GetUtcNow() };
            Check.Null(await leases.TryTakeOverAsync(unknown, "two", _term).ConfigureAwait(false), "the unknown lease");
        });
        Add("Of racing takers of a silent lease exactly one gets it", async (leases, _) =>
        {
            var silent = await TakeAsync(leases, "one").ConfigureAwait(false);
            var taken = await Check.RaceAsync(
                16, async racer => await leases.TryTakeOverAsync(silent, $"{racer}", _term).ConfigureAwait(false)).ConfigureAwait(false);
            Check.Equal(1, taken.Count(static lease => lease is not null), "takers that got it");
            Check.True(
                Array.Find(taken, static lease => lease is not null)!.IsSameTaking(await leases.GetAsync("l").ConfigureAwait(false)), "the winner to hold it");
        });
    }
}
