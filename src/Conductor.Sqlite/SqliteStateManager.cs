using Conductor.Diagnostics;
using Conductor.Serialization;
using Conductor.Sqlite.Database;
using Conductor.Sqlite.Records;
using Microsoft.Extensions.Logging;

namespace Conductor.Sqlite;

/// <summary>
/// The store in an SQLite database: what was saved survives the process, and by default the loss of power. Saves that wait are committed
/// together by one writer; reads run beside it. Several processes on one machine may use one file. Thread-safe.
/// </summary>
/// <remarks>
/// The file is in write-ahead mode: beside it there are a <c>-wal</c> and a <c>-shm</c> file, which belong to it. Times are those of this
/// machine's clock. Not for network drives, whose locks SQLite cannot rely on.
/// </remarks>
public sealed partial class SqliteStateManager : StateManager
{
    private readonly SqliteStateOptions _options;
    private readonly SqliteCodec _codec;
    private readonly SqliteDatabase _database;
    private readonly SqliteLeaseStore _leases;
    private readonly SqliteEffectStore _effects;
    private readonly SqliteRetention _retention;
    private readonly WorkflowWrites _workflowWrites;
    private readonly WorkflowReads _workflowReads;
    private SqliteWriter? _writer;
    private SqliteReaders? _readers;
    private ITimer? _retentionTimer;

    /// <summary>Makes a store.</summary>
    /// <param name="options">Where the database is, and how it is used.</param>
    /// <param name="environment">Clock, loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    /// <param name="retention">How much of what is finished it keeps. Default: the defaults.</param>
    /// <param name="serializer">Knows the types of your own. Default: only plain values, and what reflection finds.</param>
    /// <exception cref="ArgumentException">A setting is not valid.</exception>
    public SqliteStateManager(
        SqliteStateOptions options, ConductorEnvironment? environment = null, RetentionOptions? retention = null, ConductorSerializer? serializer = null)
        : this(options, environment, retention, serializer, migrations: null)
    {
    }

    internal SqliteStateManager(
        SqliteStateOptions options,
        ConductorEnvironment? environment,
        RetentionOptions? retention,
        ConductorSerializer? serializer,
        IReadOnlyList<string>? migrations)
        : base(environment)
    {
        ArgumentNullException.ThrowIfNull(options);
        ThrowIfInvalid(options);
        retention ??= new RetentionOptions();
        ThrowIfAny(retention.Problems(nameof(RetentionOptions)), nameof(retention));
        _options = options;
        _database = new SqliteDatabase(options, Logger, migrations);
        _codec = new SqliteCodec(_database, serializer);
        _retention = new SqliteRetention(retention, Environment.TimeProvider, Logger);
        _leases = new SqliteLeaseStore(this, _retention, Environment.TimeProvider);
        _effects = new SqliteEffectStore(this, _codec, _retention, Environment.TimeProvider, options.IgnoreFences);
        _workflowWrites = new WorkflowWrites(_codec, _retention, options.IgnoreFences);
        _workflowReads = new WorkflowReads(_codec, _retention);
    }

    /// <inheritdoc />
    public override DurabilityLevel Durability =>
        _options.Synchronous == SqliteSynchronous.Full ? DurabilityLevel.PowerLoss : DurabilityLevel.ProcessCrash;

    /// <inheritdoc />
    public override bool IsShared => _options.IsShared;

    /// <inheritdoc />
    public override LeaseStore Leases => _leases;

    /// <inheritdoc />
    public override EffectStore Effects => _effects;

    /// <inheritdoc />
    public override void EnsureCanSave(TaskResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (result is not { Output.IsEmpty: true, Feedback: null, Metadata.Count: 0 })
        {
            _codec.Encode(result);
        }
    }

    /// <inheritdoc />
    public override int OperationsUnderWay => (_writer?.UnderWay ?? 0) + (_readers?.UnderWay ?? 0);

    /// <summary>Saves done and transactions committed since the store was connected.</summary>
    internal (long Operations, long Commits) Written => _writer is { } writer ? (writer.Operations, writer.Commits) : default;

    internal static StateException ConflictOf(string workflowId, StateExpectation expectation, long found) =>
        Conflict(WorkflowKey(workflowId), expectation, found);

    internal static StateException LeaseLostOf(string workflowId, Lease lease) => LeaseLost(WorkflowKey(workflowId), lease);

    internal static StateException LeaseLostOf(Lease lease) => LeaseLost(lease.Name, lease);

    internal static StateException DeletedOf(string workflowId) => WasDeleted(workflowId);

    internal static void ThrowIfInvalid(SqliteStateOptions options) =>
        ThrowIfAny(options.Problems(nameof(SqliteStateOptions)), nameof(options));

    internal Task<T> WriteAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken, bool runsAlone = false) =>
        (_writer ?? throw NotConnected()).WriteAsync(work, cancellationToken, runsAlone);

    internal Task<T> ReadAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken) =>
        (_readers ?? throw NotConnected()).ReadAsync(work, cancellationToken);

    /// <inheritdoc />
    protected override async ValueTask ConnectCoreAsync(CancellationToken cancellationToken)
    {
        var readers = new SqliteReaders(_database, _options);
        var writer = new SqliteWriter(_database, readers, _options, Logger);
        var opening = writer.OpenAsync();
        try
        {
            await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Another process may keep the file locked for long: the thread ends as soon as it has opened it, or could not. That nobody hears of
            // by now, except from the log.
            _ = opening.ContinueWith(
                static (failed, logger) => Log.OpeningFailed((ILogger)logger!, failed.Exception!.GetBaseException()),
                Logger,
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
            _ = writer.CloseAsync();
            throw;
        }

        _writer = writer;
        _readers = readers;
        _retentionTimer = Environment.TimeProvider.CreateTimer(
            static state => ((SqliteStateManager)state!).StartRetention(), this, _options.RetentionInterval, _options.RetentionInterval);
        StartRetention();
    }

    /// <inheritdoc />
    protected override async ValueTask DisconnectCoreAsync(CancellationToken cancellationToken)
    {
        var (writer, readers) = (_writer, _readers);

        // While another process keeps the file locked, what waits for it would hold up the end for all of the BusyTimeout.
        using var hurry = cancellationToken.UnsafeRegister(static writer => ((SqliteWriter?)writer)?.Hurry(), writer);
        if (_retentionTimer is { } timer)
        {
            await timer.DisposeAsync().ConfigureAwait(false);
        }

        if (readers is not null)
        {
            await readers.CloseAsync().ConfigureAwait(false);
        }

        if (writer is not null)
        {
            await writer.CloseAsync().ConfigureAwait(false);
        }

        (_writer, _readers, _retentionTimer) = (null, null, null);
    }

    private static void ThrowIfAny(IEnumerable<string> problems, string parameterName)
    {
        if (problems.ToList() is { Count: > 0 } all)
        {
            throw new ArgumentException(string.Join(' ', all), parameterName);
        }
    }

    /// <summary>In the background: what fails is logged, and tried again at the next turn.</summary>
    private void StartRetention() => _ = RunRetentionAsync();

    private async Task RunRetentionAsync()
    {
        try
        {
            // In small steps, so that saves are not held up.
            while (_writer is { } writer && await writer.WriteAsync(_retention.RemoveSome, CancellationToken.None).ConfigureAwait(false))
            {
            }

            while (_writer is { } writer
                && await writer.WriteAsync(SqliteRetention.GiveBackSpace, CancellationToken.None, runsAlone: true).ConfigureAwait(false))
            {
            }
        }
#pragma warning disable CA1031 // In the background: the log is the only place to say so.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            if (IsConnected)
            {
                Log.RetentionFailed(Logger, exception);
            }
        }
    }

    /// <summary>Something ended that retention may one day remove: looks when there is enough of it, not every time.</summary>
    private void NoteFinished()
    {
        if (_retention.NoteFinished())
        {
            StartRetention();
        }
    }
}
