using Conductor.Agents;

namespace YourOwnTypes;

/// <summary>A typed agent: it takes in a document, gives out a text, and gets what it needs by its constructor.</summary>
internal sealed class Translator(Glossary glossary) : BaseAgent<Document, string>
{
    /// <inheritdoc />
    protected override async ValueTask<string> RunAsync(Document document, TaskContext task, CancellationToken cancellationToken)
    {
        var words = await glossary.FindAsync(document.Text, document.To, cancellationToken);
        task.ReportProgress(50, $"'{words}' needs polishing");
        return await glossary.PolishAsync(words, cancellationToken);
    }
}
