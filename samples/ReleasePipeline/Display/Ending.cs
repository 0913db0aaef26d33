using Conductor;
using Spectre.Console;

namespace ReleasePipeline.Display;

/// <summary>Tells how a run ended: the table, what came back as feedback, what failed, and the run as a Mermaid text.</summary>
internal sealed class Ending(IAnsiConsole console)
{
    /// <summary>Tells it.</summary>
    /// <param name="state">How it ended.</param>
    /// <param name="log">What was seen of it.</param>
    /// <param name="mermaid">The run as a Mermaid text.</param>
    public void Show(WorkflowState state, RunLog log, string mermaid)
    {
        console.WriteLine();
        console.Write(RunTable.Draw(log.Lines));
        foreach (var round in state.FeedbackRounds)
        {
            console.MarkupLineInterpolated($"[yellow]Round {round.Round}[/] began because {round.From} sent back:");
            WriteList(round.Feedback.SelectMany(feedback => feedback.Findings));
        }

        foreach (var result in state.TaskResults.Values.Where(result => result.Error is not null))
        {
            console.MarkupLineInterpolated($"[red]{result.TaskId}[/]: {result.Error!}");
        }

        // Not through the console, which would wrap it.
        console.Profile.Out.Writer.WriteLine($"\n{mermaid}\n");
        if (state.Status == WorkflowStatus.Completed)
        {
            console.MarkupLineInterpolated(
                $"[green]Released[/] in {state.Duration?.TotalSeconds:0} s, {state.FeedbackRounds.Count} feedback round(s).");
        }
        else
        {
            console.MarkupLineInterpolated($"[red]Not released[/] ({state.Status}): {state.Error?.ToString() ?? "no error given"}");
        }
    }

    private void WriteList(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            console.WriteLine($"  - {line}");
        }
    }
}
