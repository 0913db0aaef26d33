using Conductor.Sqlite.Database;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conductor.Sqlite.Tests;

/// <summary>Reads that meet the end of the connections they need.</summary>
public sealed class ReadersTests : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ReadAsync_LetInJustBeforeAllIsClosed_SaysThatItIsNotConnected()
    {
        await (await _folder.OpenAsync()).DisposeAsync();
        var options = _folder.Options();
        var readers = new SqliteReaders(new SqliteDatabase(options, NullLogger.Instance), options);
        await ReadAsync(readers);
#pragma warning disable VSTHRD002, xUnit1031 // Between two steps of one call.
        options.ReadProbe = () => readers.CloseAsync().GetAwaiter().GetResult();
#pragma warning restore VSTHRD002, xUnit1031

        var read = () => ReadAsync(readers);

        (await read.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateNotConnected);
        SpinWait.SpinUntil(() => readers.UnderWay == 0, TimeSpan.FromSeconds(20)).Should().BeTrue();
    }

    [Fact]
    public async Task ReadAsync_AskedForDuringTheTransactionOfAnother_SeesWhatWasWrittenMeanwhile()
    {
        await using var store = await _folder.OpenAsync();
        var options = _folder.Options();
        options.ReaderCount = 1;
        var readers = new SqliteReaders(new SqliteDatabase(options, NullLogger.Instance), options);
        using var slow = new HeldRead(readers);
        slow.AwaitBegun();
        var beside = ReadAsync(readers);
        await store.WriteAsync(
            static session => session.Execute("INSERT INTO conductor_agents (id, version, record) VALUES ('a', 1, X'00')"), CancellationToken.None);
        var after = ReadAsync(readers);

        slow.Release();

        (await after.WaitAsync(_limit)).Should().Be(1);
        await Task.WhenAll(slow.Over, beside).WaitAsync(_limit);
        await readers.CloseAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadAsync_WhileReadsAreHeldUp_IsDoneWhenTheyGoOnOrEnd(bool isEnd)
    {
        await (await _folder.OpenAsync()).DisposeAsync();
        var options = _folder.Options();
        options.ReaderCount = 2;
        var readers = new SqliteReaders(new SqliteDatabase(options, NullLogger.Instance), options);
        using var slow = new HeldRead(readers);
        slow.AwaitBegun();
        readers.Hold();
        var waiting = Enumerable.Range(0, 50).Select(_ => ReadAsync(readers)).ToList();
        readers.IsAtRest.Should().BeFalse();
        slow.Release();
        SpinWait.SpinUntil(() => readers.IsAtRest, _limit).Should().BeTrue();
        waiting.Should().OnlyContain(static read => !read.IsCompleted);

        var closing = isEnd ? readers.CloseAsync() : Task.CompletedTask;
        if (!isEnd)
        {
            readers.Release();
        }

        (await Task.WhenAll(waiting).WaitAsync(_limit)).Should().OnlyContain(static count => count == 0);
        await closing.WaitAsync(_limit);
        await readers.CloseAsync().WaitAsync(_limit);
    }

    private static Task<long> ReadAsync(SqliteReaders readers) =>
        readers.ReadAsync(static session => session.Number("SELECT count(*) FROM conductor_agents"), CancellationToken.None);
}
