namespace Conductor.Threading;

/// <summary>One stop that several may ask for: each of them may lose patience with it, and what it calls must not wait for it. Thread-safe.</summary>
/// <param name="failed">Is told what somebody registered on a token of this and throws.</param>
#pragma warning disable CA1001 // The sources have no timer and link to nothing: there is nothing in them to dispose.
internal sealed class StopRequest(Action<Exception> failed)
#pragma warning restore CA1001
{
    private readonly CancellationTokenSource _asked = new();
    private readonly CancellationTokenSource _hurry = new();
    private readonly AsyncLocal<bool> _isWithin = new();

    /// <summary>Cancelled when somebody asks for the stop: what is under way towards a start is given up.</summary>
    public CancellationToken Asked => _asked.Token;

    /// <summary>Cancelled when the first of those who asked for the stop can wait no longer.</summary>
    public CancellationToken Hurry => _hurry.Token;

    /// <summary>Whether whoever asks is called by the stop.</summary>
    public bool IsWithin => _isWithin.Value;

    /// <summary>Says that what is called from here on, by this method and what it calls, is called by the stop.</summary>
    public void Enter() => _isWithin.Value = true;

    /// <summary>Somebody asks for the stop.</summary>
    /// <param name="patience">Cancelled when they can wait no longer.</param>
    /// <returns>Over when it is disposed.</returns>
    public CancellationTokenRegistration Join(CancellationToken patience)
    {
        _ = _asked.CancelQuietlyAsync(failed);
        return patience.UnsafeRegister(static state => ((StopRequest)state!).LosePatience(), this);
    }

    private void LosePatience() => _ = _hurry.CancelQuietlyAsync(failed);
}
