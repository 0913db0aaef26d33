namespace Conductor.Testing;

/// <summary>What somebody has time pass for: until a task is over, or up to a moment.</summary>
internal sealed class HostRequest
{
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task? _task;

    private HostRequest(string awaited, TimeSpan begunAt, Task? task, TimeSpan? target)
    {
        Awaited = awaited;
        BegunAt = begunAt;
        Target = target;
        _task = task;
    }

    /// <summary>What is waited for, for people.</summary>
    public string Awaited { get; }

    /// <summary>The virtual time at which it was made.</summary>
    public TimeSpan BegunAt { get; }

    /// <summary>The moment up to which time is to pass, and no further; null where it passes until a task is over.</summary>
    public TimeSpan? Target { get; }

    /// <summary>Over when this is, however it ends.</summary>
    public Task End => _end.Task;

    /// <summary>When it was made, by the real clock.</summary>
    public long MadeAt { get; } = TimeProvider.System.GetTimestamp();

    /// <summary>Since when work is waited for to come to rest for it, by the real clock.</summary>
    public long SettlingSince { get; set; }

    /// <summary>Since when the virtual clock has shown the present moment, by the real one.</summary>
    public long MomentSince { get; set; }

    /// <summary>Whether its moment has come: all that is left is that work comes to rest.</summary>
    public bool HasArrived { get; set; }

    /// <summary>Whether the task that it waits for is over.</summary>
    public bool IsDone => _task is { IsCompleted: true };

    /// <summary>Until a task is over.</summary>
    public static HostRequest UntilOver(Task task, string awaited, TimeSpan now) => new(awaited, now, task, target: null);

    /// <summary>For a certain time.</summary>
    public static HostRequest For(TimeSpan duration, TimeSpan now) => new($"the passing of {duration}", now, task: null, now + duration);

    /// <summary>Ends it; an exception is thrown to whoever made it.</summary>
    /// <returns>False when it has ended already.</returns>
    public bool TryEnd(Exception? exception) => exception is null ? _end.TrySetResult() : _end.TrySetException(exception);
}
