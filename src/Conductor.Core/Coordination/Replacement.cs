namespace Conductor.Coordination;

/// <summary>An agent of a factory that is about to take the place of one that was set aside. Thread-safe.</summary>
internal sealed class Replacement
{
    private static readonly AsyncLocal<Replacement?> _current = new();
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isUnwanted;

    /// <summary>The one whose agent is being made or started by whoever asks: it must not wait for itself.</summary>
    public static Replacement? Current { get => _current.Value; set => _current.Value = value; }

    /// <summary>Whether it was unregistered before it took the place.</summary>
    public bool IsUnwanted { get => _isUnwanted; set => _isUnwanted = value; }

    /// <summary>Over when it has taken the place, or does not.</summary>
    public Task Over => _over.Task;

    public void End() => _over.TrySetResult();
}
