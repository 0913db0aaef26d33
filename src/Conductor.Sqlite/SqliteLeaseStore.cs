using Conductor.Sqlite.Database;
using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite;

/// <summary>Leases in the database, by the clock of this machine. A name's fence goes on growing after a release, until its run is deleted. Thread-safe.</summary>
internal sealed class SqliteLeaseStore(SqliteStateManager store, TimeProvider time) : LeaseStore
{
    private const string Columns = "name, owner, fence, nonce, renewal, expires_at";

    /// <summary>A lease from columns that stand in the order of <see cref="Columns"/>.</summary>
    public static Lease Read(SqliteDataReader row, int first) => new()
    {
        Name = row.GetString(first),
        Owner = row.GetString(first + 1),
        Fence = row.GetInt64(first + 2),
        Nonce = row.GetString(first + 3),
        Renewal = row.GetInt64(first + 4),
        ExpiresAt = new DateTimeOffset(row.GetInt64(first + 5), TimeSpan.Zero),
    };

    protected override async ValueTask<Lease?> TryAcquireCoreAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        var nonce = EntityId.New();
        return await store.WriteAsync(
            session =>
            {
                var now = time.GetUtcNow();
                return First(
                    session,
                    $"""
                    INSERT INTO conductor_leases (name, owner, fence, nonce, renewal, expires_at, released) VALUES ($1, $2, 1, $3, 0, $4, 0)
                    ON CONFLICT (name) DO UPDATE SET owner = $2, fence = fence + 1, nonce = $3, renewal = 0, expires_at = $4, released = 0
                    WHERE released = 1 OR expires_at <= $5
                    RETURNING {Columns}
                    """,
                    name,
                    owner,
                    nonce,
                    (now + duration).UtcTicks,
                    now.UtcTicks);
            },
            cancellationToken).ConfigureAwait(false);
    }

    protected override async ValueTask<Lease?> TryTakeOverCoreAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        var nonce = EntityId.New();
        return await store.WriteAsync(
            session => First(
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
                observed.Renewal),
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
        session => session.Execute(
            "UPDATE conductor_leases SET released = 1 WHERE name = $1 AND fence = $2 AND nonce = $3 AND released = 0", lease.Name, lease.Fence, lease.Nonce) > 0,
        cancellationToken).ConfigureAwait(false);

    protected override async ValueTask<Lease?> GetCoreAsync(string name, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().UtcTicks;
        return await store.ReadAsync(
            session => First(session, $"SELECT {Columns} FROM conductor_leases WHERE name = $1 AND released = 0 AND expires_at > $2", name, now),
            cancellationToken).ConfigureAwait(false);
    }

    private static Lease? First(SqliteSession session, string sql, params ReadOnlySpan<object?> values)
    {
        using var rows = session.Query(sql, values);
        return rows.Read() ? Read(rows, 0) : null;
    }
}
