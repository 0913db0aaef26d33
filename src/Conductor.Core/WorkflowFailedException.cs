namespace Conductor;

/// <summary>A run failed, was cancelled, or has not ended where it had to be completed. Its code is the error's own.</summary>
public sealed class WorkflowFailedException : ConductorException
{
    /// <summary>Makes the exception from a state.</summary>
    /// <param name="state">The state of a run that did not complete.</param>
    public WorkflowFailedException(WorkflowState state)
        : base(
            (state ?? throw new ArgumentNullException(nameof(state))).Error?.Code ?? ErrorCodes.UnknownError,
            $"Run '{state.WorkflowId}' of workflow '{state.DefinitionName}' " + (state.IsComplete
                ? $"is {state.Status}: {state.Error?.Message ?? "no error was given"}"
                : $"has not ended: it is {state.Status}. Wait for its end first (WorkflowRun.Completion).")) =>
        State = state;

    /// <summary>The whole state.</summary>
    public WorkflowState State { get; }
}
