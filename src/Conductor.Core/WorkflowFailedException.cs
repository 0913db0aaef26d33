namespace Conductor;

/// <summary>A run failed or was cancelled. Its code is the error's own.</summary>
public sealed class WorkflowFailedException : ConductorException
{
    /// <summary>Makes the exception from a state.</summary>
    /// <param name="state">The state of a run that did not complete.</param>
    public WorkflowFailedException(WorkflowState state)
        : base(
            (state ?? throw new ArgumentNullException(nameof(state))).Error?.Code ?? ErrorCodes.UnknownError,
            $"Run '{state.WorkflowId}' of workflow '{state.DefinitionName}' is {state.Status}: {state.Error?.Message ?? "no error was given"}") =>
        State = state;

    /// <summary>The whole state.</summary>
    public WorkflowState State { get; }
}
