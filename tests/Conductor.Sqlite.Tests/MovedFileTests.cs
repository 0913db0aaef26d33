using System.Globalization;

namespace Conductor.Sqlite.Tests;

/// <summary>The file is deleted, moved or replaced while a program uses it: what is saved then would be acknowledged, and nobody would find it.</summary>
public sealed class MovedFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("deleted")]
    [InlineData("moved")]
    [InlineData("replaced by a copy")]
    [InlineData("replaced by a new one")]
    public async Task Save_FileIsNoLongerThere_SaysSo(string what)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var store = await OpenAsync();
        await store.SaveTaskResultAsync(Records.Result("before"));
        switch (what)
        {
            case "deleted":
                File.Delete(_folder.Database);
                break;
            case "moved":
                File.Move(_folder.Database, _folder.Database + ".old");
                break;
            case "replaced by a copy":
                File.Copy(_folder.Database, _folder.Database + ".copy");
                File.Move(_folder.Database + ".copy", _folder.Database, overwrite: true);
                break;
            default:
                File.Delete(_folder.Database);
                await File.WriteAllBytesAsync(_folder.Database, []);
                break;
        }

        for (var i = 0; i < 3; i++)
        {
            var save = () => store.SaveTaskResultAsync(Records.Result($"after {i}")).AsTask();
            var thrown = (await save.Should().ThrowAsync<StateException>()).Which;
            (thrown.ErrorCode, thrown.IsTransient).Should().Be((ErrorCodes.StateUnavailable, false));
            thrown.Message.Should().ContainAll(_folder.Database, "deleted, moved or replaced");
        }
    }

    [Fact]
    public async Task Save_FileWasBroughtBack_GoesOn()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var store = await OpenAsync();
        File.Move(_folder.Database, _folder.Database + ".away");
        await FluentActions.Awaiting(() => store.SaveTaskResultAsync(Records.Result("lost")).AsTask()).Should().ThrowAsync<StateException>();

        File.Move(_folder.Database + ".away", _folder.Database);

        (await store.SaveTaskResultAsync(Records.Result("saved"))).Should().Be(RecordOutcome.Recorded);
    }

    /// <summary>An effect that closed its connection has the file opened again.</summary>
    [Theory]
    [InlineData("moved")]
    [InlineData("replaced by a new one")]
    public async Task Save_FileIsOpenedAgainAndNoLongerThere_SaysSoAndMakesNone(string what)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var store = await OpenAsync();
        await store.SaveTaskResultAsync(Records.Result("before"));
        var effect = () => ((SqliteEffectStore)store.Effects).RunAsync(
            new EffectKey("t:0", "t:0", "e"),
            static connection =>
            {
                connection.Close();
                return 1;
            },
            CancellationToken.None).AsTask();
        await effect.Should().ThrowAsync<InvalidOperationException>();
        var files = Directory.GetFiles(Path.GetDirectoryName(_folder.Database)!);
        foreach (var file in files)
        {
            File.Move(file, file + ".away");
        }

        if (what != "moved")
        {
            await File.WriteAllBytesAsync(_folder.Database, []);
        }

        for (var i = 0; i < 2; i++)
        {
            await FailsAsMovedAsync(() => store.SaveTaskResultAsync(Records.Result($"after {i}")).AsTask());
        }

        File.Exists(_folder.Database).Should().Be(what != "moved");
        foreach (var file in files)
        {
            File.Move(file + ".away", file, overwrite: true);
        }

        (await store.SaveTaskResultAsync(Records.Result("before"))).Should().Be(RecordOutcome.AlreadyRecorded, "it was brought back");
    }

    [Fact]
    public async Task Read_FileIsOpenedToReadAndNoLongerThere_SaysSoAndMakesNone()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var store = await OpenAsync();
        await store.SaveTaskResultAsync(Records.Result("before"));
        File.Move(_folder.Database, _folder.Database + ".away");

        await FailsAsMovedAsync(() => store.GetTaskResultAsync("before").AsTask());

        File.Exists(_folder.Database).Should().BeFalse();
        File.Move(_folder.Database + ".away", _folder.Database);
        (await store.GetTaskResultAsync("before")).Should().NotBeNull();
    }

    /// <summary>A backup put in place under a program: what it has is none of what the program saved.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Open_AnotherFileIsInItsPlace_IsNeitherReadNorWritten(bool isSave)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using (var backup = await _folder.OpenAsync(options => options.ConnectionString = $"Data Source={_folder.Database}.backup"))
        {
            await backup.SaveTaskResultAsync(Records.Result("of the backup"));
        }

        await using var store = await OpenAsync();
        await store.SaveTaskResultAsync(Records.Result("before"));
        if (isSave)
        {
            await CloseTheWriterAsync(store);
        }

        File.Move(_folder.Database + ".backup", _folder.Database, overwrite: true);

        await FailsAsMovedAsync(() =>
            isSave ? store.SaveTaskResultAsync(Records.Result("after")).AsTask() : store.GetTaskResultAsync("of the backup").AsTask());
    }

    /// <summary>Folders of versions, and a link to the one that is used.</summary>
    [Theory]
    [InlineData("Data Source={0}")]
    [InlineData("Data Source=file:{0}?mode=rwc")]
    public async Task Open_LinkInThePathLeadsElsewhere_GoesOnWithTheFileThatWasOpenedFirst(string source)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var folder = Path.GetDirectoryName(_folder.Database)!;
        var (old, next, link) = (Path.Combine(folder, "v1"), Path.Combine(folder, "v2"), Path.Combine(folder, "current"));
        Directory.CreateDirectory(old);
        Directory.CreateDirectory(next);
        await using (var other = await _folder.OpenAsync(options => options.ConnectionString = $"Data Source={next}/conductor.db"))
        {
            await other.SaveTaskResultAsync(Records.Result("t", output: "of another file"));
        }

        Directory.CreateSymbolicLink(link, old);
        await using var store = await _folder.OpenAsync(options =>
        {
            options.ConnectionString = string.Format(CultureInfo.InvariantCulture, source, $"{link}/conductor.db");
            options.FileCheckInterval = TimeSpan.Zero;
        });
        await store.SaveTaskResultAsync(Records.Result("t", output: "saved here"));
        Directory.Delete(link);
        Directory.CreateSymbolicLink(link, next);

        (await store.GetTaskResultAsync("t"))!.Output.Get<string>().Should().Be("saved here");
        await CloseTheWriterAsync(store);
        (await store.SaveTaskResultAsync(Records.Result("u"))).Should().Be(RecordOutcome.Recorded);
        await using var later = await _folder.OpenAsync(options => options.ConnectionString = $"Data Source={old}/conductor.db");
        (await later.GetTaskResultAsync("u")).Should().NotBeNull();
        await store.DisconnectAsync();
        await store.ConnectAsync();
        (await store.GetTaskResultAsync("t"))!.Output.Get<string>().Should().Be("of another file", "the link is followed when it connects");
    }

    /// <summary>Each look is a question to the system: not for every save.</summary>
    [Fact]
    public async Task Save_WithinTheInterval_DoesNotLookAgain()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var store = await OpenAsync(TimeSpan.FromMinutes(5));
        await store.SaveTaskResultAsync(Records.Result("before"));
        File.Delete(_folder.Database);

        (await store.SaveTaskResultAsync(Records.Result("after"))).Should().Be(RecordOutcome.Recorded);
    }

    /// <summary>An effect that closed its connection has the file opened again.</summary>
    private static Task CloseTheWriterAsync(SqliteStateManager store) => store.WriteAsync(
        static session =>
        {
            session.Connection.Close();
            return 1;
        },
        CancellationToken.None,
        runsAlone: true).ContinueWith(static _ => { }, TaskScheduler.Default);

    private async Task FailsAsMovedAsync(Func<Task> operation)
    {
        var thrown = (await operation.Should().ThrowAsync<StateException>()).Which;
        (thrown.ErrorCode, thrown.IsTransient).Should().Be((ErrorCodes.StateUnavailable, false));
        thrown.Message.Should().ContainAll(_folder.Database, "deleted, moved or replaced");
    }

    private Task<SqliteStateManager> OpenAsync(TimeSpan? interval = null) =>
        _folder.OpenAsync(options => options.FileCheckInterval = interval ?? TimeSpan.Zero);
}
