using System.Diagnostics;

namespace Conductor.Benchmarks.Peers.Postgres;

/// <summary>The programs of a PostgreSQL that is installed as Debian does; run as the user "postgres" by root, for whom they refuse to work.</summary>
internal sealed class PostgresTools
{
    private const string Installed = "/usr/lib/postgresql";
    private const string User = "postgres";

    private readonly string _folder;

    private PostgresTools(string folder) => _folder = folder;

    /// <summary>The major version: Debian has a folder for each.</summary>
    public string Version => Path.GetFileName(Path.GetDirectoryName(_folder))!;

    /// <summary>Finds them, and as root installs them if they are not there.</summary>
    public static async Task<PostgresTools> FindAsync()
    {
        if (Find() is { } found)
        {
            return found;
        }

        if (Environment.IsPrivilegedProcess)
        {
            await Console.Error.WriteLineAsync("Installing PostgreSQL…");
            await StartAsync("apt-get", ["install", "-y", "-qq", "postgresql"]);
        }

        return Find() ?? throw new UsageException($"There is no initdb below {Installed}. Install PostgreSQL: apt-get install postgresql");
    }

    /// <summary>Gives a folder to the user they run as.</summary>
    public Task OwnAsync(string folder) => Environment.IsPrivilegedProcess ? StartAsync("chown", [User, folder]) : Task.CompletedTask;

    public Task RunAsync(string tool, params string[] arguments)
    {
        var path = Path.Combine(_folder, tool);
        return Environment.IsPrivilegedProcess ? StartAsync("runuser", ["-u", User, "--", path, .. arguments]) : StartAsync(path, arguments);
    }

    private static PostgresTools? Find()
    {
        var folder = Directory.Exists(Installed)
            ? Directory.GetDirectories(Installed)
                .Select(static version => Path.Combine(version, "bin"))
                .LastOrDefault(static bin => File.Exists(Path.Combine(bin, "initdb")))
            : null;
        return folder is null ? null : new PostgresTools(folder);
    }

    private static async Task StartAsync(string program, string[] arguments)
    {
        // Not redirected: a server that pg_ctl starts inherits the pipes, and reading them to the end would wait for it.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >/dev/null", "sh", program, .. arguments])
        {
            WorkingDirectory = Path.GetTempPath(),
        };
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new UsageException($"{program} {string.Join(' ', arguments)} ended with exit code {process.ExitCode}.");
        }
    }
}
