namespace Conductor.Sqlite.Database;

/// <summary>One read that gives an answer.</summary>
/// <typeparam name="T">The answer.</typeparam>
internal sealed class ReadOperation<T>(Func<SqliteSession, T> work) : ReadOperation
{
    /// <summary>What follows runs where it is completed: that is a work item of its own already.</summary>
    private readonly TaskCompletionSource<T> _completion = new();
    private T _answer = default!;
    private Exception? _failure;

    public Task<T> Completion => _completion.Task;

    public override void Run(SqliteSession session) => _answer = work(session);

    protected override void Note(Exception exception) => _failure = exception;

    protected override void Tell()
    {
        if (_failure is { } failure)
        {
            _completion.TrySetException(failure);

            // Whoever gave the read up does not hear of it: looked at, it is no exception that nobody observed.
            _ = _completion.Task.Exception;
        }
        else
        {
            _completion.TrySetResult(_answer);
        }
    }
}
