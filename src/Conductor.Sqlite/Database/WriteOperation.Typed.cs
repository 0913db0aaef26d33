namespace Conductor.Sqlite.Database;

/// <summary>One save that gives an answer.</summary>
/// <typeparam name="T">The answer.</typeparam>
internal sealed class WriteOperation<T> : WriteOperation
{
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<SqliteSession, T> _work;
    private readonly CancellationTokenRegistration _cancellation;
    private int _state;
    private T _answer = default!;
    private StateException? _refusal;

    public WriteOperation(Func<SqliteSession, T> work, bool runsAlone, CancellationToken cancellationToken)
        : base(runsAlone)
    {
        _work = work;
        _cancellation = cancellationToken.UnsafeRegister(static (state, token) => ((WriteOperation<T>)state!).Cancel(token), this);
    }

    public Task<T> Completion => _completion.Task;

    public override bool IsDone => _completion.Task.IsCompleted;

    public override bool TryBegin()
    {
        var begun = Interlocked.CompareExchange(ref _state, 1, 0) == 0;
        _cancellation.Unregister();
        return begun;
    }

    public override void Run(SqliteSession session)
    {
        _refusal = null;

        // An effect of the user's, which runs alone, has written by then: of it nothing may stay.
        try
        {
            _answer = _work(session);
        }
        catch (StateException refusal) when (!RunsAlone && refusal.ErrorCode is (ErrorCodes.StateConflict or ErrorCodes.LeaseLost))
        {
            _refusal = refusal;
        }
    }

    public override void Complete()
    {
        if (_refusal is null)
        {
            _completion.TrySetResult(_answer);
        }
        else
        {
            _completion.TrySetException(_refusal);
        }
    }

    public override void Fail(Exception exception) => _completion.TrySetException(exception);

    private void Cancel(CancellationToken cancellationToken)
    {
        if (Interlocked.CompareExchange(ref _state, 1, 0) == 0)
        {
            _completion.TrySetCanceled(cancellationToken);
        }
    }
}
