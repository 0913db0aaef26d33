using System.Net;
using System.Net.Sockets;

namespace Conductor.Benchmarks.Peers.Postgres;

/// <summary>A PostgreSQL of our own, in a temporary folder, with its defaults (every commit is flushed to disk), stopped when this is disposed.</summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private readonly PostgresTools _tools;
    private readonly string _folder;
    private readonly int _port;

    private PostgresServer(PostgresTools tools, string folder, int port) => (_tools, _folder, _port) = (tools, folder, port);

    /// <summary>By its socket in the folder: faster than a port.</summary>
    public string ConnectionString => $"Host={_folder};Port={_port};Username=postgres;Database=postgres;Maximum Pool Size=160";

    /// <summary>The server and its major version.</summary>
    public string Version => $"PostgreSQL {_tools.Version}";

    private string Data => Path.Combine(_folder, "data");

    public static async Task<PostgresServer> StartAsync()
    {
        var tools = await PostgresTools.FindAsync();
        var server = new PostgresServer(tools, Directory.CreateTempSubdirectory("conductor-peers-pg-").FullName, FreePort());
        try
        {
            await tools.OwnAsync(server._folder);
            await tools.RunAsync("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--pgdata", server.Data);

            // More connections than the default, so that 64 workers and 64 callers have one each.
            await tools.RunAsync(
                "pg_ctl", "start", "--wait", "--pgdata", server.Data, "--log", Path.Combine(server._folder, "log"),
                "--options", $"-p {server._port} -k {server._folder} -c listen_addresses=127.0.0.1 -c max_connections=200");
            Console.CancelKeyPress += server.StopOnCancel;
            return server;
        }
        catch
        {
            Directory.Delete(server._folder, recursive: true);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Console.CancelKeyPress -= StopOnCancel;
        await StopAsync();
    }

    private async Task StopAsync()
    {
        await _tools.RunAsync("pg_ctl", "stop", "--wait", "--mode=fast", "--pgdata", Data);
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The server is no child of ours any more: it would outlive us.</summary>
    private void StopOnCancel(object? sender, ConsoleCancelEventArgs e) => StopAsync().GetAwaiter().GetResult();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
