using System.Globalization;
using Conductor.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Conductor.Sqlite.Tests;

/// <summary>Disks and files that fail: a clear error or a clean recovery, never a silent loss, never a hang.</summary>
public sealed class BadDayTests : IDisposable
{
    private static readonly int _output = string.GetHashCode(new string('x', 200), StringComparison.Ordinal);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task DiskFull_SaysSoAndLosesNothingThatWasAcknowledged()
    {
        await using var store = await _folder.OpenAsync();
        await store.WriteAsync(
            static session =>
                session.TryRun($"PRAGMA max_page_count = {(session.Number("PRAGMA page_count") + 30).ToString(CultureInfo.InvariantCulture)}"),
                CancellationToken.None, runsAlone: true);
        var saved = 0;
        StateException? failure = null;
        while (failure is null)
        {
            try
            {
                await store.CommitWorkflowAsync(Records.Step($"run-{saved}", 0, results: 5));
                saved++;
            }
            catch (StateException exception)
            {
                failure = exception;
            }
        }

        failure.ErrorCode.Should().Be(ErrorCodes.StateUnavailable);
        failure.IsTransient.Should().BeTrue();
        failure.Message.Should().Contain("full").And.Contain(_folder.Database);
        (await store.GetWorkflowStateAsync($"run-{saved}")).Should().BeNull("a step is made whole or not at all");
        await store.WriteAsync(static session => session.TryRun("PRAGMA max_page_count = 100000"), CancellationToken.None, runsAlone: true);
        await store.CommitWorkflowAsync(Records.Step($"run-{saved}", 0));
        for (var number = 0; number <= saved; number++)
        {
            (await store.GetWorkflowStateAsync($"run-{number}")).Should().NotBeNull();
        }
    }

    [Fact]
    public async Task ReadOnlyFile_SaysSoAtStart()
    {
        await (await _folder.OpenAsync()).DisposeAsync();
        var logs = new FakeLogCollector();
        var environment = new ConductorEnvironment(loggerFactory: new LoggerFactory([new FakeLoggerProvider(logs)]));
        var act = () => _folder.OpenAsync(options => options.ConnectionString = $"Data Source=file:{_folder.Database}?mode=ro", environment: environment);
        var thrown = (await act.Should().ThrowAsync<StateException>()).Which;
        thrown.ErrorCode.Should().Be(ErrorCodes.StateUnavailable);
        thrown.IsTransient.Should().BeFalse();
        thrown.Message.Should().Contain("read-only");
        logs.GetSnapshot().Should().NotContain(static log => log.Id.Id == 1252, "nothing is tried again");
    }

    [Fact]
    public async Task FolderThatDoesNotExist_SaysSo()
    {
        var act = () => _folder.OpenAsync(options => options.ConnectionString = $"Data Source={_folder.Database}/no/such/folder.db");
        var thrown = (await act.Should().ThrowAsync<StateException>()).Which;
        thrown.ErrorCode.Should().Be(ErrorCodes.StateUnavailable);
        thrown.Message.Should().Contain("folder");
    }

    [Fact]
    public async Task LockedFile_FailsAfterTheTimeoutAndRecovers()
    {
        await using var store = await _folder.OpenAsync(static options => options.BusyTimeout = TimeSpan.FromMilliseconds(100));
        await using (var other = new SqliteConnection(_folder.ConnectionString + ";Pooling=False"))
        {
            await other.OpenAsync();
            await other.RunAsync("BEGIN IMMEDIATE");
            var save = () => store.SaveTaskResultAsync(Records.Result("t")).AsTask();
            var thrown = (await save.Should().ThrowAsync<StateException>()).Which;
            thrown.ErrorCode.Should().Be(ErrorCodes.StateUnavailable);
            thrown.IsTransient.Should().BeTrue();
            thrown.Message.Should().Contain("BusyTimeout");
            (await store.GetTaskResultAsync("t")).Should().BeNull("readers are not held up");
            await other.RunAsync("ROLLBACK");
        }

        (await store.SaveTaskResultAsync(Records.Result("t"))).Should().Be(RecordOutcome.Recorded);
    }

    [Fact]
    public async Task LockedFile_ConnectIsCancelled_GivesUpAtOnceAndConnectsLater()
    {
        await using var store = new SqliteStateManager(_folder.Options(static options => options.BusyTimeout = TimeSpan.FromMinutes(1)));
        await using (var other = new SqliteConnection(_folder.ConnectionString + ";Pooling=False"))
        {
            await other.OpenAsync();
            await other.RunAsync("BEGIN EXCLUSIVE");
            using var cancellation = new CancellationTokenSource();
            var connect = store.ConnectAsync(cancellation.Token).AsTask();
            await cancellation.CancelAsync();
            await FluentActions.Awaiting(() => connect.WaitAsync(TimeSpan.FromSeconds(20))).Should().ThrowAsync<OperationCanceledException>();
            store.IsConnected.Should().BeFalse();
            await other.RunAsync("ROLLBACK");
        }

        await store.ConnectAsync();
        (await store.SaveTaskResultAsync(Records.Result("t"))).Should().Be(RecordOutcome.Recorded);
    }

    [Fact]
    public async Task FileThatIsNoDatabase_IsStateCorrupt()
    {
        await File.WriteAllTextAsync(_folder.Database, new string('x', 5_000));
        var act = () => _folder.OpenAsync();
        (await act.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
    }

    [Fact]
    public async Task FileCutInHalf_GivesAClearErrorAndNeverOtherData()
    {
        await FillAsync();
        var whole = await ReadAllAsync();
        await using (var file = new FileStream(_folder.Database, FileMode.Open))
        {
            file.SetLength(file.Length / 2);
        }

        (await ReadAllAsync()).Should().Match<string>(read => read == whole || read.StartsWith("STATE_", StringComparison.Ordinal));
        (await ReadAllAsync()).Should().StartWith("STATE_");
    }

    [Fact]
    public async Task WriteAheadLogCutAnywhere_RecoversToAStateThatWas()
    {
        // Without a clean end, so that the log is still there.
        var prefixes = new HashSet<string>();
        string database;
        byte[] log;
        await using (var store = await _folder.OpenAsync())
        {
            await store.WriteAsync(static session => session.TryRun("PRAGMA wal_autocheckpoint = 0; PRAGMA wal_checkpoint(TRUNCATE)"), CancellationToken.None);
            prefixes.Add(await StateAsync(store));
            for (var version = 0; version < 12; version++)
            {
                await store.CommitWorkflowAsync(Records.Step("run", version));
                prefixes.Add(await StateAsync(store));
            }

            database = _folder.Database;
            log = await ReadSharedAsync(database + "-wal");
        }

        var file = await File.ReadAllBytesAsync(database);
        for (var cut = 0; cut <= log.Length; cut += 997)
        {
            using var other = new TempFolder();
            await File.WriteAllBytesAsync(other.Database, file);
            await File.WriteAllBytesAsync(other.Database + "-wal", log[..cut]);
            await using var store = await other.OpenAsync();
            prefixes.Should().Contain(await StateAsync(store));
        }
    }

    [Fact]
    public async Task FlippedByteAnywhere_GivesTheSameDataOrAClearError()
    {
        await FillAsync();
        var whole = await ReadAllAsync();
        var file = await File.ReadAllBytesAsync(_folder.Database);
        var (same, refused) = (0, 0);
        var random = new Random(7);
        for (var i = 0; i < 150; i++)
        {
            var at = random.Next(file.Length);
            var damaged = (byte[])file.Clone();
            damaged[at] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(_folder.Database, damaged);
            var read = await ReadAllAsync();
            same += read == whole ? 1 : 0;
            refused += read.StartsWith("STATE_", StringComparison.Ordinal) ? 1 : 0;
            (read == whole || read.StartsWith("STATE_", StringComparison.Ordinal)).Should().BeTrue(
                "byte {0} is damaged: {1}", at, string.Join(
                    " | ", read.Split('\n').Except(whole.Split('\n')).Concat(whole.Split('\n').Except(read.Split('\n')))));
        }

        refused.Should().BeGreaterThan(0, "{0} of 150 were read as they were", same);
    }

    private static async Task<byte[]> ReadSharedAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes);
        return bytes;
    }

    private static async Task<string> StateAsync(SqliteStateManager store) =>
        await store.GetWorkflowStateAsync("run") is { } state ? $"{state.StoreVersion}: {string.Join(' ', state.TaskResults.Keys)}" : "none";

    private async Task FillAsync()
    {
        await using var store = await _folder.OpenAsync();
        for (var run = 0; run < 10; run++)
        {
            for (var version = 0; version < 10; version++)
            {
                await store.CommitWorkflowAsync(Records.Step($"run-{run}", version));
            }

            await store.SaveDeadLetterAsync(Records.Letter($"d{run}"));
            await store.SaveTaskResultAsync(Records.Result($"t{run}"));
        }
    }

    /// <summary>Everything that was saved, by its keys, as text; or the code of the error that it gives.</summary>
    private async Task<string> ReadAllAsync()
    {
        try
        {
            await using var store = await _folder.OpenAsync();
            var text = new List<string>();
            for (var run = 0; run < 10; run++)
            {
                var state = await store.GetWorkflowStateAsync($"run-{run}");
                var outputs = state?.TaskResults.Values.Select(static result =>
                    $"{result.TaskId}{string.GetHashCode(result.Output.Get<string>(), StringComparison.Ordinal) == _output}");
                text.Add(
                    $"{state?.StoreVersion} {state?.Status} {state?.ErrorLog.Count} {string.Join(' ', state?.ParticipatingAgents ?? [])} " +
                    string.Join(' ', outputs ?? []));
                text.Add(
                    $"{string.Join(' ', (await store.GetWorkflowHistoryAsync($"run-{run}"))?.Events.Select(static happening => happening.Position) ?? [])}");
                text.Add($"{(await store.GetWorkflowDefinitionAsync($"run-{run}"))?.Name}");
                text.Add($"{(await store.GetDeadLetterAsync($"d{run}"))?.Message}");
                text.Add($"{(await store.GetTaskResultAsync($"t{run}"))?.Output.Get<string>()}");
            }

            return string.Join('\n', text);
        }
        catch (StateException exception)
        {
            return exception.ErrorCode;
        }
    }
}
