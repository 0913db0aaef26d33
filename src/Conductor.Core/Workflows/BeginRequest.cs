using Conductor.Coordination;

namespace Conductor.Workflows;

/// <summary>A task of a run whose start is to be committed before it begins. Thread-safe.</summary>
/// <param name="runner">The run's.</param>
/// <param name="index">The task's number in the plan.</param>
/// <param name="isRetry">Whether it has begun before, and waits for its next attempt.</param>
internal sealed class BeginRequest(WorkflowRunner runner, int index, bool isRetry = false) : IBeginning
{
    private readonly TaskCompletionSource _recorded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The task's number in the plan.</summary>
    public int Index => index;

    /// <summary>Whether it has begun before, and waits for its next attempt.</summary>
    public bool IsRetry => isRetry;

    /// <inheritdoc />
    public ValueTask RecordAsync()
    {
        if (_recorded.Task.IsCompletedSuccessfully)
        {
            return ValueTask.CompletedTask;
        }

        runner.Begin(this);
        return new ValueTask(_recorded.Task);
    }

    /// <summary>Its start is committed.</summary>
    public void Allow() => _recorded.TrySetResult();

    /// <summary>It is not to begin here.</summary>
    public void Refuse() => _recorded.TrySetCanceled();
}
