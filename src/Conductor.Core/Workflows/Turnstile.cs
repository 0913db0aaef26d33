namespace Conductor.Workflows;

/// <summary>
/// Lets the tasks of all runs through in order of arrival: no more at once than the coordinator's queue holds, so that none fails for its size, and
/// one that is suspected of killing its process alone, so that its neighbours are not convicted with it. Thread-safe.
/// </summary>
internal sealed class Turnstile(int capacity)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private int _running;
    private bool _isOneAlone;

    /// <summary>Waits for a turn. Whoever got one gives it back by <see cref="Leave"/>.</summary>
    public ValueTask EnterAsync(bool alone, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_waiting.Count == 0 && TryEnter(alone))
            {
                return ValueTask.CompletedTask;
            }

            var waiter = new Waiter(alone);
            _waiting.AddLast(waiter);
            return new ValueTask(WaitAsync(waiter, cancellationToken));
        }
    }

    public void Leave(bool alone)
    {
        lock (_gate)
        {
            _running--;
            _isOneAlone &= !alone;
            LetIn();
        }
    }

    private bool TryEnter(bool alone)
    {
        if (_isOneAlone || _running >= (alone ? 1 : capacity))
        {
            return false;
        }

        _running++;
        _isOneAlone = alone;
        return true;
    }

    private void LetIn()
    {
        while (_waiting.First is { Value: var next } && TryEnter(next.Alone))
        {
            _waiting.RemoveFirst();
            next.Turn.SetResult();
        }
    }

    private async Task WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        try
        {
            await waiter.Turn.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                // Gone from the queue: the turn came at the same moment, and is given on.
                if (!_waiting.Remove(waiter))
                {
                    _running--;
                    _isOneAlone &= !waiter.Alone;
                }

                LetIn();
            }

            throw;
        }
    }

    private sealed class Waiter(bool alone)
    {
        public bool Alone { get; } = alone;

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
