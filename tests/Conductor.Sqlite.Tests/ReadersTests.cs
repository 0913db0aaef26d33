using Conductor.Sqlite.Database;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conductor.Sqlite.Tests;

/// <summary>Reads that meet the end of the connections they need.</summary>
public sealed class ReadersTests : IDisposable
{
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

    private static Task<long> ReadAsync(SqliteReaders readers) =>
        readers.ReadAsync(static session => session.Number("SELECT count(*) FROM conductor_agents"), CancellationToken.None);
}
