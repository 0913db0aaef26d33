using Conductor.Threading;

namespace Conductor.Coordination;

/// <summary>An agent that is being unregistered. Thread-safe.</summary>
/// <param name="callbackFailed">Is told what the agent's code registered on its tokens and threw.</param>
#pragma warning disable CA1001 // Its token source links to nothing and has no timer: there is nothing in it to dispose, and anybody may be in a hurry late.
internal sealed class Departure(Action<Exception> callbackFailed)
#pragma warning restore CA1001
{
    private readonly TaskCompletionSource<bool> _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly CancellationTokenSource _hurry = new();

    /// <summary>Over when the agent is known no more, which may be before its stop hook has run; false when it leaves by somebody else's doing.</summary>
    public Task<bool> Gone => _gone.Task;

    /// <summary>Over when its stop hook has run, too.</summary>
    public Task Over => _over.Task;

    /// <summary>Cancelled when one of those who unregister it waits no longer.</summary>
    public CancellationToken Hurry => _hurry.Token;

    /// <summary>Has it hurry when a token is cancelled.</summary>
    /// <param name="patience">The token.</param>
    /// <returns>To be disposed when that is of no interest any more.</returns>
    public CancellationTokenRegistration HurryWhen(CancellationToken patience) =>
        patience.UnsafeRegister(static departure => ((Departure)departure!).HurryNow(), this);

    public void NoteGone(bool left) => _gone.TrySetResult(left);

    public void NoteOver()
    {
        _gone.TrySetResult(false);
        _over.TrySetResult();
    }

    private void HurryNow() => _ = _hurry.CancelQuietlyAsync(callbackFailed);
}
