using System.Globalization;
using Conductor.Sqlite.Database;
using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite;

/// <summary>
/// Leases in the database, by the clock of this machine. A name is forgotten when its lease is released, unless it is that of a run, which goes with the run:
/// recovery tells by a fence that is one higher that nobody else had the run. The fence of a name grows all the same, for whoever may still hold an older
/// lease of it: a name that is not known goes on above the highest fence of all that were forgotten, which stands in a row of its own. Thread-safe.
/// </summary>
internal sealed class SqliteLeaseStore(SqliteStateManager store, SqliteRetention retention, TimeProvider time) : LeaseStore
{
    private const string Columns = "name, owner, fence, nonce, renewal, expires_at";

    /// <summary>Stands in a nonce before the term, in ticks. (There instead of in a column: versions before this one go on with the file.)</summary>
    private const char BeforeTerm = '~';

    /// <summary>No lease has an empty name. (A row instead of a table: versions before this one go on with the file.)</summary>
    private const string ForgottenFence = "(SELECT fence FROM conductor_leases WHERE name = '')";

    /// <summary>What the name of a run's lease begins with.</summary>
    private const string OfRun = "workflow:";

    /// <summary>Whether a lease is that of a run.</summary>
    private const string IsOfRun = "EXISTS (SELECT 1 FROM conductor_workflows WHERE id = substr(name, 10) AND name = 'workflow:' || id)";

    /// <summary>None is taken for longer; what says so is damaged.</summary>
    private static readonly TimeSpan _longestTerm = TimeSpan.FromDays(365_000);

    /// <summary>Whether a lease is held by whoever has this taking of it, run out or not: nobody else took it.</summary>
    public static bool IsHeld(SqliteSession session, Lease lease) => session.Scalar(
        "SELECT 1 FROM conductor_leases WHERE name = $1 AND fence = $2 AND nonce = $3 AND released = 0", lease.Name, lease.Fence, lease.Nonce) is not null;

    /// <summary>Forgets a name.</summary>
    public static void Forget(SqliteSession session, string name) =>
        NoteForgotten(session, session.Column<long>("DELETE FROM conductor_leases WHERE name = $1 RETURNING fence", name));

    /// <summary>
    /// Forgets leases that are no run's: those that were released, and those that ran out long ago. Their owners died: a process during a replay,
    /// or before it had created its run.
    /// </summary>
    /// <param name="session">The writer's.</param>
    /// <param name="oldest">What ran out before this did so long ago, in UTC ticks.</param>
    /// <param name="most">How many are forgotten at most.</param>
    /// <returns>How many were.</returns>
    public static int ForgetLeft(SqliteSession session, long oldest, int most)
    {
        var fences = session.Column<long>(
            $"""
            DELETE FROM conductor_leases WHERE name IN (
                SELECT name FROM conductor_leases WHERE name <> '' AND (released = 1 OR expires_at < $1) AND NOT {IsOfRun} LIMIT $2)
            RETURNING fence
            """,
            oldest,
            (long)most);
        NoteForgotten(session, fences);
        return fences.Count;
    }

    /// <summary>A lease from columns that stand in the order of <see cref="Columns"/>.</summary>
    public static Lease Read(SqliteDataReader row, int first) => Read(row, first, new DateTimeOffset(row.GetInt64(first + 5), TimeSpan.Zero));

    /// <summary>
    /// The same in a list of all runs, none of which would be taken over if it failed: an end that is damaged, at no time or no number, is that of a lease
    /// which is held as far as is known, until it is seen that nobody renews it.
    /// </summary>
    public static Lease ReadListed(SqliteDataReader row, int first) => Read(
        row,
        first,
        row.GetInt64(first + 5) is > 0 and var ticks && ticks <= DateTimeOffset.MaxValue.UtcTicks
            ? new DateTimeOffset(ticks, TimeSpan.Zero)
            : DateTimeOffset.MaxValue);

    private static Lease Read(SqliteDataReader row, int first, DateTimeOffset expiresAt) => new()
    {
        Name = row.GetString(first),
        Owner = row.GetString(first + 1),
        Fence = row.GetInt64(first + 2),
        Nonce = row.GetString(first + 3),
        Renewal = row.GetInt64(first + 4),
        ExpiresAt = expiresAt,
        Term = TermOf(row.GetString(first + 3)),
    };

    protected override async ValueTask<Lease?> TryAcquireCoreAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        var nonce = NewNonce(duration);
        return await store.WriteAsync(
            session =>
            {
                var now = time.GetUtcNow();
                return MakeRoom(session, First(
                    session,
                    $"""
                    INSERT INTO conductor_leases (name, owner, fence, nonce, renewal, expires_at, released)
                    VALUES ($1, $2, 1 + ifnull({ForgottenFence}, 0), $3, 0, $4, 0)
                    ON CONFLICT (name) DO UPDATE SET owner = $2, fence = fence + 1, nonce = $3, renewal = 0, expires_at = $4, released = 0
                    WHERE released = 1 OR expires_at <= $5
                    RETURNING {Columns}
                    """,
                    name,
                    owner,
                    nonce,
                    (now + duration).UtcTicks,
                    now.UtcTicks));
            },
            cancellationToken).ConfigureAwait(false);
    }

    protected override async ValueTask<Lease?> TryTakeOverCoreAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        var nonce = NewNonce(duration);
        return await store.WriteAsync(
            session => MakeRoom(session, First(
                session,
                $"""
                UPDATE conductor_leases SET owner = $2, fence = fence + 1, nonce = $3, renewal = 0, expires_at = $4
                WHERE name = $1 AND fence = $5 AND nonce = $6 AND renewal = $7 AND released = 0
                RETURNING {Columns}
                """,
                observed.Name,
                owner,
                nonce,
                (time.GetUtcNow() + duration).UtcTicks,
                observed.Fence,
                observed.Nonce,
                observed.Renewal)),
            cancellationToken).ConfigureAwait(false);
    }

    protected override async ValueTask<Lease?> TryRenewCoreAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken) => await store.WriteAsync(
        session => First(
            session,
            $"""
            UPDATE conductor_leases SET renewal = renewal + 1, expires_at = $4 WHERE name = $1 AND fence = $2 AND nonce = $3 AND released = 0
            RETURNING {Columns}
            """,
            lease.Name,
            lease.Fence,
            lease.Nonce,
            (time.GetUtcNow() + duration).UtcTicks),
        cancellationToken).ConfigureAwait(false);

    protected override async ValueTask<bool> ReleaseCoreAsync(Lease lease, CancellationToken cancellationToken) => await store.WriteAsync(
        session =>
        {
            var isOfRun = session.Column<long>(
                $"UPDATE conductor_leases SET released = 1 WHERE name = $1 AND fence = $2 AND nonce = $3 AND released = 0 RETURNING {IsOfRun}",
                lease.Name,
                lease.Fence,
                lease.Nonce);
            if (isOfRun is [0])
            {
                Forget(session, lease.Name);
            }

            return isOfRun.Count > 0;
        },
        cancellationToken).ConfigureAwait(false);

    protected override async ValueTask<Lease?> GetCoreAsync(string name, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().UtcTicks;
        return await store.ReadAsync(
            session => First(session, $"SELECT {Columns} FROM conductor_leases WHERE name = $1 AND released = 0 AND expires_at > $2", name, now),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A lease was taken: a run that is too old is spared under the one it ended under, and no longer.</summary>
    private Lease? MakeRoom(SqliteSession session, Lease? taken)
    {
        if (taken?.Name is { } name && name.StartsWith(OfRun, StringComparison.Ordinal))
        {
            retention.TryMakeRoom(session, name[OfRun.Length..]);
        }

        return taken;
    }

    private static string NewNonce(TimeSpan duration) => string.Create(CultureInfo.InvariantCulture, $"{EntityId.New()}{BeforeTerm}{duration.Ticks}");

    private static TimeSpan? TermOf(string nonce) =>
        nonce.LastIndexOf(BeforeTerm) is >= 0 and var place
            && long.TryParse(nonce.AsSpan(place + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            && ticks > 0 && ticks <= _longestTerm.Ticks
            ? new TimeSpan(ticks)
            : null;

    private static void NoteForgotten(SqliteSession session, List<long> fences)
    {
        if (fences.Count > 0)
        {
            session.Execute(
                """
                INSERT INTO conductor_leases (name, owner, fence, nonce, renewal, expires_at, released) VALUES ('', '', $1, '', 0, 0, 1)
                ON CONFLICT (name) DO UPDATE SET fence = $1 WHERE fence < $1
                """,
                fences.Max());
        }
    }

    private static Lease? First(SqliteSession session, string sql, params ReadOnlySpan<object?> values)
    {
        using var rows = session.Query(sql, values);
        return rows.Read() ? Read(rows, 0) : null;
    }
}
