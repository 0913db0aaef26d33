using Hangfire;
using Hangfire.PostgreSql;

namespace Conductor.Benchmarks.Peers.Contenders.HangfireJobs;

/// <summary>Hangfire on PostgreSQL, which the parent process has started. A job counts as done when it ran: its last commit is not waited for.</summary>
internal sealed class HangfireContender : Contender, IJobContender
{
    public const string PlainName = "hangfire";

    /// <summary>The environment variable in which the parent says where the database is.</summary>
    public const string ConnectionVariable = "CONDUCTOR_PEERS_POSTGRES";

    private const int Workers = 64;

    /// <summary>
    /// The default is 15 seconds. An enqueue in the same process wakes a worker anyway; asking more often, or by LISTEN, made the whole slower when
    /// it was tried, because 64 workers then keep the database busy with asking.
    /// </summary>
    private static readonly TimeSpan _pollInterval = TimeSpan.FromSeconds(1);

    private PostgreSqlStorage _storage = null!;
    private BackgroundJobServer _server = null!;

    public override string Name => PlainName;

    public override string Title => "Hangfire on PostgreSQL";

    public override Traits Traits { get; } = new()
    {
        Queue = Traits.Yes,
        Retries = Traits.Yes,
        ResultSaved = Traits.Yes,
        Survives = Traits.Yes,
    };

    public override string Package =>
        $"{PackageOf("Hangfire.Core", typeof(BackgroundJobServer))}, {PackageOf("Hangfire.PostgreSql", typeof(PostgreSqlStorage))}";

    public override Task StartAsync()
    {
        var connection = Environment.GetEnvironmentVariable(ConnectionVariable)
            ?? throw new UsageException($"{ConnectionVariable} is not set: run the command 'durable', which starts the database.");
        GlobalConfiguration.Configuration.UsePostgreSqlStorage(
            options => options.UseNpgsqlConnection(connection),
            new PostgreSqlStorageOptions { QueuePollInterval = _pollInterval });
        _storage = (PostgreSqlStorage)JobStorage.Current;
        _server = new BackgroundJobServer(new BackgroundJobServerOptions { WorkerCount = Workers }, _storage);
        return Task.CompletedTask;
    }

    public async Task RunJobsAsync(int jobs, int callers)
    {
        var done = NumberJob.ExpectAsync(jobs);
        var client = new BackgroundJobClient(_storage);

        // Enqueue blocks: from the thread pool, 64 callers would first have to wait for it to grow.
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Factory.StartNew(
            () => Enqueue(client, caller, jobs, callers), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        var sum = await done;
        if (sum != (long)jobs * (jobs + 1) / 2)
        {
            throw new InvalidOperationException($"The results of {jobs} jobs add up to {sum}: not each was done once.");
        }
    }

    public override async ValueTask DisposeAsync()
    {
        _server.SendStop();
        await _server.WaitForShutdownAsync(CancellationToken.None);
        _server.Dispose();
    }

    private static void Enqueue(BackgroundJobClient client, int caller, int jobs, int callers)
    {
        for (var number = caller; number < jobs; number += callers)
        {
            var sent = number;
            client.Enqueue(() => NumberJob.Run(sent));
        }
    }
}
