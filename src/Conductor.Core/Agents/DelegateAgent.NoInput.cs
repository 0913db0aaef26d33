namespace Conductor.Agents;

/// <summary>An agent from a delegate that takes no input.</summary>
internal sealed class DelegateAgent<TOutput>(Func<TaskContext, CancellationToken, ValueTask<TOutput>> run) : BaseAgent
{
    protected override async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) =>
        TaskData.From(await run(task, cancellationToken).ConfigureAwait(false));
}
