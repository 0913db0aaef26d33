using Conductor.Workflows;

namespace Conductor.Tests.Support;

/// <summary>Progress that is told where it happens, on the thread of the run.</summary>
internal sealed class CallingProgress(Action<WorkflowProgress> report) : IProgress<WorkflowProgress>
{
    public void Report(WorkflowProgress value) => report(value);
}
