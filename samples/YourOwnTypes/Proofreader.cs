using Conductor;
using Conductor.Agents;

namespace YourOwnTypes;

/// <summary>An untyped agent: it needs no input, only the outputs of the tasks that its task depends on.</summary>
internal sealed class Proofreader : BaseAgent
{
    /// <inheritdoc />
    protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        var words = task.Outputs.Values.Sum(output => output.Get<string>().Split(' ').Length);
        return new(TaskData.From(words));
    }
}
