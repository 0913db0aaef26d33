namespace Conductor.Threading;

/// <summary>What surrounds the code that runs on a thread, to be as it was before somebody else's code ran there.</summary>
internal readonly struct ThreadContext
{
    private readonly ExecutionContext? _execution;
    private readonly SynchronizationContext? _synchronization;

    private ThreadContext(ExecutionContext? execution, SynchronizationContext? synchronization)
    {
        _execution = execution;
        _synchronization = synchronization;
    }

    /// <summary>What surrounds it now.</summary>
    public static ThreadContext Capture() => new(ExecutionContext.Capture(), SynchronizationContext.Current);

    /// <summary>What that code left on this thread (async locals, its span) is not for what follows.</summary>
    public void Restore()
    {
        if (_execution is not null && ExecutionContext.Capture() != _execution)
        {
            ExecutionContext.Restore(_execution);
        }

        if (SynchronizationContext.Current != _synchronization)
        {
            SynchronizationContext.SetSynchronizationContext(_synchronization);
        }
    }
}
