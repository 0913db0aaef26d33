using Conductor.Sqlite.Records;

namespace Conductor.Sqlite;

/// <content>Agent states.</content>
public sealed partial class SqliteStateManager
{
    /// <inheritdoc />
    protected override async ValueTask<long> SaveAgentStateCoreAsync(AgentState state, StateExpectation expectation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(state);
        var record = _codec.Encode(state with { StoreVersion = 0 });
        return await WriteAsync(
            session =>
            {
                var found = session.Number("SELECT version FROM conductor_agents WHERE id = $1", state.AgentId);
                if (!expectation.IsMetBy(found))
                {
                    throw Conflict($"agent:{state.AgentId}", expectation, found);
                }

                session.Execute("INSERT OR REPLACE INTO conductor_agents (id, version, record) VALUES ($1, $2, $3)", state.AgentId, found + 1, record);
                return found + 1;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override async ValueTask<AgentState?> GetAgentStateCoreAsync(string agentId, CancellationToken cancellationToken) => await ReadAsync(
        session =>
        {
            using var rows = session.Query("SELECT version, record FROM conductor_agents WHERE id = $1", agentId);
            return rows.Read() ? Agent(agentId, rows.GetInt64(0), rows.GetFieldValue<byte[]>(1)) : null;
        },
        cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    protected override async ValueTask<bool> DeleteAgentStateCoreAsync(string agentId, CancellationToken cancellationToken) => await WriteAsync(
        session => session.Execute("DELETE FROM conductor_agents WHERE id = $1", agentId) > 0, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    protected override async ValueTask<Page<AgentState>> ListAgentStatesCoreAsync(PageRequest page, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(page);
        return await ReadAsync(
            session =>
            {
                var items = new List<AgentState>();
                using var rows = session.Query(
                    "SELECT id, version, record FROM conductor_agents WHERE id > $1 ORDER BY id LIMIT $2",
                    page.ContinuationToken ?? string.Empty,
                    (long)page.Size + 1);
                while (rows.Read())
                {
                    items.Add(Agent(rows.GetString(0), rows.GetInt64(1), rows.GetFieldValue<byte[]>(2)));
                }

                return Paging.ToPage(items, page.Size, static state => state.AgentId, static state => state);
            },
            cancellationToken).ConfigureAwait(false);
    }

    private AgentState Agent(string id, long version, byte[] record)
    {
        var state = _codec.Decode<AgentState>(record, $"agent:{id}");
        return state.AgentId == id ? state with { StoreVersion = version } : throw Paging.Mismatch($"agent:{id}");
    }
}
