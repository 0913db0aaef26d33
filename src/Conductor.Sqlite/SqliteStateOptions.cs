using Conductor.Sqlite.Database;
using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite;

/// <summary>Settings of the SQLite store.</summary>
public sealed class SqliteStateOptions
{
    /// <summary>The default of <see cref="MaxGroupSize"/>: 256.</summary>
    public const int DefaultMaxGroupSize = 256;

    /// <summary>The default of <see cref="ReaderCount"/>: 4.</summary>
    public const int DefaultReaderCount = 4;

    /// <summary>The default of <see cref="BusyTimeout"/>: 30 seconds.</summary>
    public static readonly TimeSpan DefaultBusyTimeout = TimeSpan.FromSeconds(30);

    /// <summary>What SQLite takes, some 24 days.</summary>
    private static readonly TimeSpan _longest = TimeSpan.FromMilliseconds(int.MaxValue);

    /// <summary>The default of <see cref="RetentionInterval"/>: 1 minute.</summary>
    public static readonly TimeSpan DefaultRetentionInterval = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Where the database is, such as <c>Data Source=conductor.db</c>: the file that Microsoft.Data.Sqlite opens with it when the store is made,
    /// whatever the working folder is later. It may hold tables of your own; Conductor's begin with <c>conductor_</c>.
    /// </summary>
    public required string ConnectionString { get; set; }

    /// <summary>When a commit is written through to the disk.</summary>
    /// <value>Default: full, it survives the loss of power.</value>
    public SqliteSynchronous Synchronous { get; set; } = SqliteSynchronous.Full;

    /// <summary>
    /// How long a save waits while another process writes, before it fails with STATE_UNAVAILABLE. It counts from when the save was asked for: what
    /// waits behind others fails at the same time. Over zero.
    /// </summary>
    /// <value>Default: 30 seconds.</value>
    public TimeSpan BusyTimeout { get; set; } = DefaultBusyTimeout;

    /// <summary>
    /// Whether processes that use this file host agents of different types, so that a task of a type nobody hosts here waits instead of failing
    /// at once: until an agent of the type is registered here, or its run is handed over to a process that has one. No task goes to another process
    /// by itself; set <see cref="Conductor.Coordination.DispatchOptions.WaitLimit"/> where that may never happen. A run that is started where no agent
    /// of any of its types is registered is handed over at once, and waits for a process that has agents of all of them. Several
    /// processes may use one file either way.
    /// </summary>
    /// <value>Default: false.</value>
    public bool IsShared { get; set; }

    /// <summary>How many saves that wait are committed together at most. At least 1.</summary>
    /// <value>Default: 256.</value>
    public int MaxGroupSize { get; set; } = DefaultMaxGroupSize;

    /// <summary>How many reads run at once at most, beside the writer. At least 1.</summary>
    /// <value>Default: 4.</value>
    public int ReaderCount { get; set; } = DefaultReaderCount;

    /// <summary>How often what retention no longer keeps is removed, beside when much has finished. Over zero.</summary>
    /// <value>Default: 1 minute.</value>
    public TimeSpan RetentionInterval { get; set; } = DefaultRetentionInterval;

    /// <summary>For the negative control of safety tests alone: commits whatever comes, from whomever.</summary>
    internal bool IgnoreFences { get; set; }

    /// <summary>The longest row in bytes, where it is not to be what SQLite takes: for tests that have no room for that.</summary>
    internal int? MaxRowLength { get; set; }

    /// <summary>How often a save first looks whether the file is still where it was opened: for tests that do not wait.</summary>
    internal TimeSpan FileCheckInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the write-ahead log may be before reads are held up for it to be emptied. SQLite keeps it at up to this length.</summary>
    internal long MaxLogLength { get; set; } = 67_108_864;

    /// <summary>How often the length of the log is looked at.</summary>
    internal TimeSpan LogCheckInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long reads are held up for those under way, the first time.</summary>
    internal TimeSpan FirstReadHold { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Called at every point where state is written: for tests that kill the process there.</summary>
    internal Action? Probe { get; set; }

    /// <summary>Called when a read was let in, before it waits for its turn: for tests of what may come in between.</summary>
    internal Action? ReadProbe { get; set; }

    /// <summary>What is wrong with the settings, a sentence each that quotes the setting, the value and the fix.</summary>
    /// <param name="path">Where the settings stand, to quote them by.</param>
    public IEnumerable<string> Problems(string path)
    {
        if (ConnectionProblem() is { } problem)
        {
            yield return $"{path}.{nameof(ConnectionString)} {problem}";
        }

        if (!Enum.IsDefined(Synchronous))
        {
            yield return FormattableString.Invariant(
                $"{path}.{nameof(Synchronous)} is {Synchronous}; set it to one of {string.Join(", ", Enum.GetNames<SqliteSynchronous>())}.");
        }

        if (BusyTimeout <= TimeSpan.Zero || BusyTimeout > _longest)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(BusyTimeout)} is {BusyTimeout}; set it to more than zero and at most {_longest}.");
        }

        if (MaxGroupSize < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(MaxGroupSize)} is {MaxGroupSize}; set it to 1 or more.");
        }

        if (ReaderCount < 1)
        {
            yield return FormattableString.Invariant($"{path}.{nameof(ReaderCount)} is {ReaderCount}; set it to 1 or more.");
        }

        if (RetentionInterval < TimeSpan.FromMilliseconds(1) || RetentionInterval > _longest)
        {
            yield return FormattableString.Invariant(
                $"{path}.{nameof(RetentionInterval)} is {RetentionInterval}; set it to a millisecond or more, and at most {_longest}.");
        }
    }

    private string? ConnectionProblem()
    {
        if (string.IsNullOrWhiteSpace(ConnectionString))
        {
            return "is empty; set it to where the database is: \"Data Source=conductor.db\".";
        }

        SqliteConnectionStringBuilder parsed;
        DataSource? source;
        try
        {
            parsed = new SqliteConnectionStringBuilder(ConnectionString);
            source = parsed.DataSource.Length == 0 ? null : new DataSource(parsed.DataSource);
        }
        catch (ArgumentException exception)
        {
            // Not quoted: it may hold a password.
            return $"is no connection string ({exception.Message}); set it to where the database is: \"Data Source=conductor.db\".";
        }

        var isInMemory = parsed.Mode == SqliteOpenMode.Memory
            || parsed.DataSource.Contains(":memory:", StringComparison.OrdinalIgnoreCase)
            || (source?.Parameter("vfs") ?? parsed.Vfs) == "memdb"
            || source?.Parameter("mode") == "memory";
        if (source is not { Path.Length: > 0 } || isInMemory)
        {
            return "names no file, so nothing would survive; name one: \"Data Source=conductor.db\", or leave UseSqlite out to keep everything in memory.";
        }

        if (parsed.Mode == SqliteOpenMode.ReadOnly)
        {
            return "has Mode=ReadOnly, and a store writes; leave Mode out.";
        }

        if (parsed.Mode == SqliteOpenMode.ReadWrite && !source.IsAddress && !File.Exists(source.Path))
        {
            return $"has Mode=ReadWrite, which makes no file, and there is none at '{source.Path}'; leave Mode out, or name a file that exists.";
        }

        if (parsed.Cache == SqliteCacheMode.Shared || source.Parameter("cache") == "shared")
        {
            return $"has {(parsed.Cache == SqliteCacheMode.Shared ? "Cache=Shared" : "cache=shared")}, with which saves lock out reads instead of " +
                "running beside them, and nothing waits for a lock; leave it out.";
        }

        return parsed.Password.Length > 0 && SqliteDatabase.IsWithoutEncryption
            ? "has a Password, and the SQLite that this program has cannot encrypt; leave Password out, or add a package whose SQLite can, such as " +
                "SQLitePCLRaw.bundle_e_sqlite3mc, in place of SQLitePCLRaw.bundle_e_sqlite3."
            : null;
    }
}
