using Conductor.Agents;

namespace FailureHandling;

/// <summary>Prints labels, as long as there is paper.</summary>
internal sealed class Printer(PaperTray tray) : BaseAgent<string, string>
{
    /// <inheritdoc />
    protected override ValueTask<string> RunAsync(string label, TaskContext task, CancellationToken cancellationToken) =>
        tray.HasPaper ? new($"label for {label}") : throw new IOException("Out of paper.");
}
