namespace Conductor.Agents;

/// <summary>An agent from a delegate.</summary>
internal sealed class DelegateAgent<TInput, TOutput>(Func<TInput, TaskContext, CancellationToken, ValueTask<TOutput>> run) : BaseAgent<TInput, TOutput>
{
    protected override ValueTask<TOutput> RunAsync(TInput input, TaskContext task, CancellationToken cancellationToken) =>
        run(input, task, cancellationToken);
}
