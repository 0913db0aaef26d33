namespace Conductor.Sqlite.Database;

/// <summary>One read that gives an answer.</summary>
/// <typeparam name="T">The answer.</typeparam>
internal sealed class ReadOperation<T>(Func<SqliteSession, T> work) : ReadOperation
{
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T _answer = default!;

    public Task<T> Completion => _completion.Task;

    public override void Run(SqliteSession session) => _answer = work(session);

    public override void Complete() => _completion.TrySetResult(_answer);

    public override void Fail(Exception exception) => _completion.TrySetException(exception);
}
