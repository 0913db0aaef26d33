using Conductor.Coordination;

namespace Conductor.Workflows;

/// <summary>A task of a run whose start is to be committed before it begins. Thread-safe.</summary>
/// <param name="runner">The run's.</param>
/// <param name="index">The task's number in the plan.</param>
internal sealed class BeginRequest(WorkflowRunner runner, int index) : IBeginning
{
    private readonly TaskCompletionSource _recorded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The task's number in the plan.</summary>
    public int Index => index;

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
