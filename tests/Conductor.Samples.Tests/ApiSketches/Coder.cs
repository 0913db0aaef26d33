using Conductor.Agents;

namespace Conductor.Samples.Tests.ApiSketches;

internal sealed class Coder : BaseAgent<Specification, string>
{
    protected override ValueTask<string> RunAsync(Specification input, TaskContext task, CancellationToken cancellationToken) =>
        new($"code of {input.Text}, {task.Feedback.Sum(static feedback => feedback.Findings.Count)} finding(s) repaired");
}
