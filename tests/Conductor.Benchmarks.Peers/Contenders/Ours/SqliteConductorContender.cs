using Conductor.Benchmarks.Peers.Measuring;
using Conductor.DependencyInjection;
using Conductor.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Benchmarks.Peers.Contenders.Ours;

/// <summary>Conductor with <c>UseSqlite</c> and its defaults: every result is on disk (<c>synchronous = FULL</c>) before its caller gets it.</summary>
internal sealed class SqliteConductorContender : ConductorContender, IJobContender
{
    public new const string PlainName = "conductor-sqlite";

    private const int Agents = 64;

    private string _folder = null!;

    public override string Name => PlainName;

    public override string Title => "Conductor on SQLite";

    public override Traits Traits => base.Traits with { ResultSaved = Traits.Yes, Survives = Traits.Yes };

    public override string Package => PackageOf("Conductor.Sqlite", typeof(SqliteStateManager));

    public override async Task StartAsync()
    {
        _folder = Directory.CreateTempSubdirectory("conductor-peers-").FullName;
        await base.StartAsync();
        await AddWorkersAsync(Agents, suspending: false);
    }

    public Task RunJobsAsync(int jobs, int callers)
    {
        var latencies = new LatencyHistogram();
        return Task.WhenAll(Enumerable.Range(0, callers).Select(index => Task.Run(() => CallAsync(new Caller(index, jobs / callers, latencies)))));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    protected override void Configure(ConductorBuilder builder) => builder.UseSqlite($"Data Source={Path.Combine(_folder, "peers.db")}");
}
