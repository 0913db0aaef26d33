namespace Conductor.Workflows;

/// <summary>Wakes whoever waits, any number at once. Take the wait first, look, then await it. Thread-safe.</summary>
internal sealed class Pulse
{
    private TaskCompletionSource? _next;

    /// <summary>Completes at the next beat.</summary>
    public Task Next
    {
        get
        {
            var next = Volatile.Read(ref _next);
            if (next is null)
            {
                var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                next = Interlocked.CompareExchange(ref _next, made, null) ?? made;
            }

            return next.Task;
        }
    }

    /// <summary>Wakes those who wait; costs next to nothing when nobody does.</summary>
    public void Beat()
    {
        if (Volatile.Read(ref _next) is not null)
        {
            Interlocked.Exchange(ref _next, null)?.TrySetResult();
        }
    }
}
