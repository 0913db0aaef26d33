using Conductor.DependencyInjection;
using Conductor.Diagnostics;
using Conductor.Serialization;
using Conductor.Sqlite;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Makes Conductor durable with SQLite.</summary>
public static class SqliteConductorBuilderExtensions
{
    /// <summary>Keeps workflows, results, dead letters and effects in an SQLite database: they survive the process.</summary>
    /// <param name="builder">What <c>AddConductor()</c> returned.</param>
    /// <param name="connectionString">Where the database is, such as <c>Data Source=conductor.db</c>; the file is made when it is not there.</param>
    /// <param name="configure">Changes the other settings. Default: the defaults.</param>
    /// <exception cref="ArgumentException">A setting is not valid.</exception>
    public static ConductorBuilder UseSqlite(this ConductorBuilder builder, string connectionString, Action<SqliteStateOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = new SqliteStateOptions { ConnectionString = connectionString };
        configure?.Invoke(options);
        SqliteStateManager.ThrowIfInvalid(options);
        return builder.UseStateManager(provider => new SqliteStateManager(
            options,
            provider.GetRequiredService<ConductorEnvironment>(),
            provider.GetRequiredService<IOptions<ConductorOptions>>().Value.Retention,
            provider.GetRequiredService<ConductorSerializer>()));
    }
}
