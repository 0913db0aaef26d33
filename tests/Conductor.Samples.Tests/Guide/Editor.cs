using Conductor.Agents;

namespace Conductor.Samples.Tests.Guide;

internal sealed class Editor(Archive archive) : BaseAgent<Draft, string>
{
    protected override async ValueTask<string> RunAsync(Draft draft, TaskContext task, CancellationToken cancellationToken)
    {
        if (draft.Words == 0)
        {
            task.Fail("EMPTY_DRAFT", $"'{draft.Title}' has no words.", isTransient: false);
            return "";
        }

        task.ReportProgress(50, "read");
        return await task.OnceAsync("keep", token => archive.KeepAsync(draft, token), cancellationToken);
    }
}
