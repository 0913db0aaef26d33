namespace Conductor.State;

/// <summary>The end of a run. It may be taken up again, and end again: that is another end.</summary>
/// <param name="Workflow">The run.</param>
/// <param name="Ending">Which of its ends, counted from 1.</param>
internal readonly record struct FinishedRun(InMemoryWorkflow Workflow, int Ending);
