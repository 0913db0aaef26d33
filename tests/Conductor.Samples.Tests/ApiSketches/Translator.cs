using Conductor.Agents;

namespace Conductor.Samples.Tests.ApiSketches;

internal sealed class Translator(ITranslationApi api) : BaseAgent<Document, string>
{
    protected override async ValueTask<string> RunAsync(Document document, TaskContext task, CancellationToken cancellationToken)
    {
        task.ReportProgress(10, "asking");
        return await task.OnceAsync("call", ct => api.TranslateAsync(document.Text, document.To, ct), cancellationToken);
    }
}
