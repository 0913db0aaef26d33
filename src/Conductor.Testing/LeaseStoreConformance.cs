using Conductor.State;

namespace Conductor.Testing;

/// <summary>
/// What the <see cref="LeaseStore"/> of every store has to keep: one holder at a time, a fence that grows, a nonce of its own for each taking.
/// </summary>
public sealed partial class LeaseStoreConformance : ConformanceSuite
{
    private static readonly TimeSpan _term = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _afterTerm = TimeSpan.FromSeconds(2.5);

    private readonly Func<ConformanceEnvironment, ValueTask<StateManager>> _create;

    /// <summary>Makes the suite.</summary>
    /// <param name="create">Makes a fresh, empty store, not connected, on the clock it is given. The suite connects and disposes it.</param>
    public LeaseStoreConformance(Func<ConformanceEnvironment, ValueTask<StateManager>> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        _create = create;
        AddTakingCases();
        AddKeepingCases();
        AddTakeOverCases();
    }

    private void Add(string name, Func<LeaseStore, ConformanceEnvironment, Task> run) =>
        AddOfStore(name, _create, (store, environment) => run(store.Leases, environment));

    private void AddTakingCases()
    {
        Add("A free lease is taken, and its holder is known", async (leases, _) =>
        {
            Check.Null(await leases.GetAsync("l").ConfigureAwait(false), "the holder of a free lease");
            var lease = await TakeAsync(leases, "one").ConfigureAwait(false);
            Check.Equal("l", lease.Name, "the name");
            Check.Equal("one", lease.Owner, "the owner");
            Check.True(lease.Fence > 0 && lease.Nonce.Length > 0, "a fence over zero and a nonce");
            Check.True(lease.IsSameTaking(await leases.GetAsync("l").ConfigureAwait(false)), "the holder to be the one that took it");
        });
        Add("A lease that is held is refused to everybody, its holder included", async (leases, _) =>
        {
            await TakeAsync(leases, "one").ConfigureAwait(false);
            Check.Null(await leases.TryAcquireAsync("l", "two", _term).ConfigureAwait(false), "the lease for another");
            Check.Null(await leases.TryAcquireAsync("l", "one", _term).ConfigureAwait(false), "the lease for its holder");
        });
        Add("Leases of different names do not meet", async (leases, _) =>
        {
            await TakeAsync(leases, "one").ConfigureAwait(false);
            Check.NotNull(await leases.TryAcquireAsync("other", "two", _term).ConfigureAwait(false), "the other lease");
        });
        Add("Of racing takers exactly one gets the lease", async (leases, _) =>
        {
            for (var round = 0; round < 10; round++)
            {
                var name = $"l{round}";
                var taken = await Check.RaceAsync(
                    16, async racer => await leases.TryAcquireAsync(name, $"{racer}", _term).ConfigureAwait(false)).ConfigureAwait(false);
                Check.Equal(1, taken.Count(static lease => lease is not null), "takers that got it");
            }
        });
        Add("A lease that ran out can be taken, with a greater fence and another nonce", async (leases, environment) =>
        {
            var first = await TakeAsync(leases, "one").ConfigureAwait(false);
            await environment.PassTimeAsync(_afterTerm).ConfigureAwait(false);
            Check.Null(await leases.GetAsync("l").ConfigureAwait(false), "the holder of a lease that ran out");
            var second = await TakeAsync(leases, "two").ConfigureAwait(false);
            Check.Equal(first.Fence + 1, second.Fence, "the fence");
            Check.True(first.Nonce != second.Nonce, "another nonce");
        });
        Add("Of racing takers of a lease that ran out exactly one gets it", async (leases, environment) =>
        {
            await TakeAsync(leases, "one").ConfigureAwait(false);
            await environment.PassTimeAsync(_afterTerm).ConfigureAwait(false);
            var taken = await Check.RaceAsync(
                16, async racer => await leases.TryAcquireAsync("l", $"{racer}", _term).ConfigureAwait(false)).ConfigureAwait(false);
            Check.Equal(1, taken.Count(static lease => lease is not null), "takers that got it");
        });
        Add("A lease that was released can be taken at once, with a greater fence and another nonce", async (leases, _) =>
        {
            var first = await TakeAsync(leases, "one").ConfigureAwait(false);
            Check.True(await leases.ReleaseAsync(first).ConfigureAwait(false), "the release to succeed");
            Check.Null(await leases.GetAsync("l").ConfigureAwait(false), "the holder of a released lease");
            var second = await TakeAsync(leases, "one").ConfigureAwait(false);
            Check.True(second.Fence > first.Fence, "a greater fence");
            Check.True(first.Nonce != second.Nonce, "another nonce");
        });
        Add("The fence of a name grows whatever other leases are taken and released meanwhile", async (leases, _) =>
        {
            var fence = 0L;
            for (var round = 0; round < 5; round++)
            {
                var lease = await TakeAsync(leases, "one").ConfigureAwait(false);
                Check.True(lease.Fence > fence, "a greater fence");
                fence = lease.Fence;
                await leases.ReleaseAsync(lease).ConfigureAwait(false);
                var other = Check.NotNull(await leases.TryAcquireAsync($"other-{round}", "two", _term).ConfigureAwait(false), "the other lease");
                await leases.ReleaseAsync(other).ConfigureAwait(false);
            }
        });
    }

    private void AddKeepingCases()
    {
        Add("A lease says for how long it was taken, or leaves that out, to whoever has it and whoever observes it", async (leases, _) =>
        {
            var lease = await TakeAsync(leases, "one").ConfigureAwait(false);
            EnsureTerm(lease, _term);
            EnsureTerm(Check.NotNull(await leases.GetAsync("l").ConfigureAwait(false), "the holder"), _term);
            lease = Check.NotNull(await leases.TryRenewAsync(lease, _term).ConfigureAwait(false), "the renewed lease");
            EnsureTerm(lease, _term);
            var longer = 3 * _term;
            EnsureTerm(Check.NotNull(await leases.TryTakeOverAsync(lease, "two", longer).ConfigureAwait(false), "the lease taken over"), longer);
            EnsureTerm(Check.NotNull(await leases.GetAsync("l").ConfigureAwait(false), "the holder after that"), longer);
        });
        Add("A renewed lease holds beyond its first term and counts its renewals", async (leases, environment) =>
        {
            var lease = await TakeAsync(leases, "one").ConfigureAwait(false);
            for (var renewal = 1; renewal <= 3; renewal++)
            {
                await environment.PassTimeAsync(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
                var renewed = Check.NotNull(await leases.TryRenewAsync(lease, _term).ConfigureAwait(false), "the renewed lease");
                Check.True(renewed.IsSameTaking(lease), "the same taking");
                Check.Equal(lease.Renewal + 1, renewed.Renewal, "renewals");
                Check.True(renewed.ExpiresAt > lease.ExpiresAt, "a later end");
                lease = renewed;
            }

            Check.Null(await leases.TryAcquireAsync("l", "two", _term).ConfigureAwait(false), "the lease for another");
        });
        Add("An older copy of a lease renews and releases it as well", async (leases, _) =>
        {
            var lease = await TakeAsync(leases, "one").ConfigureAwait(false);
            await leases.TryRenewAsync(lease, _term).ConfigureAwait(false);
            Check.NotNull(await leases.TryRenewAsync(lease, _term).ConfigureAwait(false), "the lease renewed by its first copy");
            Check.True(await leases.ReleaseAsync(lease).ConfigureAwait(false), "the release by its first copy");
        });
        Add("A lease is taken, renewed and taken over for any time over zero, the longest there is included", async (leases, _) =>
        {
            var lease = Check.NotNull(await leases.TryAcquireAsync("l", "one", TimeSpan.MaxValue).ConfigureAwait(false), "the lease");
            lease = Check.NotNull(await leases.TryRenewAsync(lease, TimeSpan.MaxValue).ConfigureAwait(false), "the renewed lease");
            lease = Check.NotNull(await leases.TryTakeOverAsync(lease, "two", TimeSpan.MaxValue).ConfigureAwait(false), "the lease taken over");
            Check.True(lease.IsSameTaking(await leases.GetAsync("l").ConfigureAwait(false)), "the last taker to hold it");
        });
        Add("A lease that another has taken is neither renewed nor released", async (leases, environment) =>
        {
            var zombie = await TakeAsync(leases, "zombie").ConfigureAwait(false);
            await environment.PassTimeAsync(_afterTerm).ConfigureAwait(false);
            var heir = await TakeAsync(leases, "heir").ConfigureAwait(false);
            Check.Null(await leases.TryRenewAsync(zombie, _term).ConfigureAwait(false), "the zombie's lease");
            Check.True(!await leases.ReleaseAsync(zombie).ConfigureAwait(false), "the zombie's release to fail");
            Check.True(heir.IsSameTaking(await leases.GetAsync("l").ConfigureAwait(false)), "the heir to hold it still");
        });
        Add("A lease that was released is neither renewed nor released again", async (leases, _) =>
        {
            var lease = await TakeAsync(leases, "one").ConfigureAwait(false);
            await leases.ReleaseAsync(lease).ConfigureAwait(false);
            Check.Null(await leases.TryRenewAsync(lease, _term).ConfigureAwait(false), "the released lease");
            Check.True(!await leases.ReleaseAsync(lease).ConfigureAwait(false), "the second release to fail");
        });
        Add("A lease with the current fence but another nonce is neither renewed nor released", async (leases, _) =>
        {
            var lease = await TakeAsync(leases, "one").ConfigureAwait(false);
            var forged = lease with { Nonce = "forged" };
            Check.Null(await leases.TryRenewAsync(forged, _term).ConfigureAwait(false), "the forged lease");
            Check.True(!await leases.ReleaseAsync(forged).ConfigureAwait(false), "the release of the forged lease to fail");
        });
        Add("A lease nobody ever took is neither renewed nor released", async (leases, environment) =>
        {
            var unknown = new Lease { Name = "unknown", Owner = "one", Fence = 1, Nonce = "n", ExpiresAt = environment.Time.GetUtcNow() + _term };
            Check.Null(await leases.TryRenewAsync(unknown, _term).ConfigureAwait(false), "the unknown lease");
            Check.True(!await leases.ReleaseAsync(unknown).ConfigureAwait(false), "the release of the unknown lease to fail");
        });
    }

    private static void EnsureTerm(Lease lease, TimeSpan term) => Check.True(lease.Term is null || lease.Term == term, "the term, where there is one");

    private static async Task<Lease> TakeAsync(LeaseStore leases, string owner) =>
        Check.NotNull(await leases.TryAcquireAsync("l", owner, _term).ConfigureAwait(false), $"the lease of {owner}");
}
