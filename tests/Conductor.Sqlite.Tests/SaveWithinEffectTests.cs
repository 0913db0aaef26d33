namespace Conductor.Sqlite.Tests;

/// <summary>An effect runs on the writer's thread: what it asks the store to save can only be done when it has ended.</summary>
public sealed class SaveWithinEffectTests : IDisposable
{
    private static readonly EffectKey _key = new("t:0", "t:0", "order");

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task RunAsync_EffectSavesToTheStoreItself_IsToldAtOnceInsteadOfWaitingForEver()
    {
        await using var store = await _folder.OpenAsync();
        Task? save = null;
        var isRefused = false;

        await ((SqliteEffectStore)store.Effects).RunAsync(
            _key,
            _ =>
            {
                save = store.SaveTaskResultAsync(Records.Result("inner")).AsTask();
                isRefused = save.IsFaulted;
                return "done";
            },
            CancellationToken.None);

        isRefused.Should().BeTrue("an effect that waits for it holds up the writer that is to do it");
        var thrown = (await FluentActions.Awaiting(() => save!).Should().ThrowAsync<InvalidOperationException>()).Which;
        thrown.Message.Should().ContainAll("effect", "connection", "OnceAsync");
        (await store.GetTaskResultAsync("inner")).Should().BeNull();
        (await store.SaveTaskResultAsync(Records.Result("next"))).Should().Be(RecordOutcome.Recorded);
    }

    [Fact]
    public async Task RunAsync_EffectReadsFromTheStore_Reads()
    {
        await using var store = await _folder.OpenAsync();
        await store.SaveTaskResultAsync(Records.Result("before"));
        Task<TaskResult?>? read = null;

        await ((SqliteEffectStore)store.Effects).RunAsync(
            _key,
            _ =>
            {
                read = store.GetTaskResultAsync("before").AsTask();
                SpinWait.SpinUntil(() => read.IsCompleted, TimeSpan.FromSeconds(20)).Should().BeTrue();
                return "done";
            },
            CancellationToken.None);

        (await read!).Should().NotBeNull();
    }
}
