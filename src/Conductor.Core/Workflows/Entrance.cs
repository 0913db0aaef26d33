namespace Conductor.Workflows;

/// <summary>Counts those who are inside, until it is closed: whoever closes it can wait for the last of them. Thread-safe.</summary>
internal sealed class Entrance
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _inside;
    private bool _isClosed;

    /// <summary>Lets somebody in, who has to leave again.</summary>
    /// <returns>False when it is closed.</returns>
    public bool TryEnter()
    {
        lock (_gate)
        {
            _inside += _isClosed ? 0 : 1;
            return !_isClosed;
        }
    }

    public void Leave()
    {
        lock (_gate)
        {
            _inside--;
            EndIfEmpty();
        }
    }

    /// <summary>Lets nobody in any more.</summary>
    /// <returns>Over when nobody is inside.</returns>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
            EndIfEmpty();
            return _empty.Task;
        }
    }

    private void EndIfEmpty()
    {
        if (_isClosed && _inside == 0)
        {
            _empty.TrySetResult();
        }
    }
}
