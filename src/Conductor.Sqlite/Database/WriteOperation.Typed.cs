namespace Conductor.Sqlite.Database;

/// <summary>One save that gives an answer.</summary>
/// <typeparam name="T">The answer.</typeparam>
internal sealed class WriteOperation<T> : WriteOperation
{
    private const int Waiting = 0;
    private const int Begun = 1;
    private const int GivenUp = 2;

    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<SqliteSession, T> _work;
    private readonly CancellationToken _cancellationToken;
    private CancellationTokenRegistration _cancellation;
    private int _state = Waiting;
    private T _answer = default!;
    private StateException? _refusal;

    public WriteOperation(Func<SqliteSession, T> work, bool runsAlone, CancellationToken cancellationToken)
        : base(runsAlone)
    {
        _work = work;
        _cancellationToken = cancellationToken;
        _cancellation = Watch();
    }

    public Task<T> Completion => _completion.Task;

    public override bool IsDone => _completion.Task.IsCompleted;

    public override bool TryBegin()
    {
        // Or again, after a rollback.
        var hasBegun = Interlocked.CompareExchange(ref _state, Begun, Waiting) != GivenUp;
        _cancellation.Unregister();
        return hasBegun;
    }

    public override void TakeBack()
    {
        Interlocked.Exchange(ref _state, Waiting);
        _cancellation = Watch();
    }

    public override bool TryGiveUp()
    {
        if (_cancellationToken.IsCancellationRequested)
        {
            Interlocked.Exchange(ref _state, GivenUp);
            _completion.TrySetCanceled(_cancellationToken);
        }

        return IsDone;
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

    public override void Fail(Exception exception)
    {
        _cancellation.Unregister();
        _completion.TrySetException(exception);
    }

    private CancellationTokenRegistration Watch() =>
        _cancellationToken.UnsafeRegister(static (state, token) => ((WriteOperation<T>)state!).Cancel(token), this);

    private void Cancel(CancellationToken cancellationToken)
    {
        if (Interlocked.CompareExchange(ref _state, GivenUp, Waiting) == Waiting)
        {
            _completion.TrySetCanceled(cancellationToken);
        }
    }
}
