namespace Conductor.Coordination;

/// <summary>An agent of a factory that is about to take the place of one that was set aside. Thread-safe.</summary>
/// <param name="predecessor">The one that was set aside.</param>
#pragma warning disable CA1001 // The source has no timer and links to nothing: there is nothing in it to dispose.
internal sealed class Replacement(AgentSlot predecessor)
#pragma warning restore CA1001
{
    private static readonly AsyncLocal<Replacement?> _current = new();
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _unwanted = new();
    private volatile bool _isUnregistered;

    /// <summary>The one whose agent is being made or started by whoever asks: it must not wait for itself.</summary>
    public static Replacement? Current { get => _current.Value; set => _current.Value = value; }

    /// <summary>The one that was set aside.</summary>
    public AgentSlot Predecessor => predecessor;

    /// <summary>Whether it was unregistered before it took the place.</summary>
    public bool IsUnregistered { get => _isUnregistered; set => _isUnregistered = value; }

    /// <summary>Whether it was unregistered, or the coordinator stopped, before it took the place.</summary>
    public bool IsUnwanted => _unwanted.IsCancellationRequested;

    /// <summary>Cancelled when it is unwanted.</summary>
    public CancellationToken Unwanted => _unwanted.Token;

    /// <summary>Over when it has taken the place, or does not.</summary>
    public Task Over => _over.Task;

    /// <summary>None is to take the place.</summary>
    /// <returns>Over when the start hook under way has been told: what it registered on its token may throw.</returns>
    public Task CancelAsync() => _unwanted.CancelAsync();

    public void End() => _over.TrySetResult();
}
