namespace Conductor.Threading;

/// <summary>
/// A token that ends a grace period after another has: for users' hooks, which may take their time as long as nobody waits for them. Thread-safe.
/// </summary>
internal sealed class GraceLimit : IAsyncDisposable
{
    private readonly CancellationTokenSource _limit = new();
    private readonly TimeSpan _gracePeriod;
    private readonly TimeProvider _time;
    private readonly Action<Exception> _failed;
    private readonly CancellationTokenRegistration _watch;
    private LongTimer? _timer;

    /// <summary>Begins to watch.</summary>
    /// <param name="gracePeriod">How long the grace period is.</param>
    /// <param name="time">The clock.</param>
    /// <param name="failed">Is told what somebody registered on the token and throws when it ends: on the timer's thread that would end the process.</param>
    /// <param name="patience">The grace period begins when it is cancelled.</param>
    public GraceLimit(TimeSpan gracePeriod, TimeProvider time, Action<Exception> failed, CancellationToken patience)
    {
        (_gracePeriod, _time, _failed, Token) = (gracePeriod, time, failed, _limit.Token);
        _watch = patience.UnsafeRegister(static state => ((GraceLimit)state!).Begin(), this);
    }

    /// <summary>Cancelled when the grace period is over.</summary>
    public CancellationToken Token { get; }

    /// <summary>Waits for what hears itself to its end, and never throws.</summary>
    /// <param name="ending">What is waited for.</param>
    /// <returns>False when the grace period was over first.</returns>
    public async ValueTask<bool> IsOverInTimeAsync(Task ending)
    {
        await ending.WaitAsync(Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return ending.IsCompleted;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync().ConfigureAwait(false);
        _timer?.Dispose();
        _limit.Dispose();
    }

    private void Begin() => _timer = new LongTimer(_time, _gracePeriod, static state => ((GraceLimit)state).End(), this);

    private void End() => _ = _limit.CancelQuietlyAsync(_failed);
}
