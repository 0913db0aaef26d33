namespace Conductor.Coordination;

/// <summary>A token that ends a grace period after another has: for users' hooks, which may take their time as long as nobody waits for them. Thread-safe.</summary>
internal sealed class GraceLimit : IAsyncDisposable
{
    private readonly CancellationTokenSource _limit;
    private readonly TimeSpan _gracePeriod;
    private readonly CancellationTokenRegistration _watch;

    /// <summary>Begins to watch.</summary>
    /// <param name="gracePeriod">How long the grace period is.</param>
    /// <param name="time">The clock.</param>
    /// <param name="patience">The grace period begins when it is cancelled.</param>
    public GraceLimit(TimeSpan gracePeriod, TimeProvider time, CancellationToken patience)
    {
        _limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _gracePeriod = gracePeriod;
        _watch = patience.UnsafeRegister(static state => ((GraceLimit)state!).Begin(), this);
    }

    /// <summary>Cancelled when the grace period is over.</summary>
    public CancellationToken Token => _limit.Token;

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync().ConfigureAwait(false);
        _limit.Dispose();
    }

    private void Begin() => _limit.CancelAfter(_gracePeriod);
}
