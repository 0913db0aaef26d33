using Conductor;
using Spectre.Console;

namespace ReleasePipeline.Display;

/// <summary>Draws the lines of a run as a table.</summary>
internal static class RunTable
{
    private const int MaxNote = 200;

    /// <summary>Draws it.</summary>
    /// <param name="lines">The lines.</param>
    public static Table Draw(IReadOnlyList<TaskLine> lines)
    {
        var table = new Table().RoundedBorder().AddColumns("Round", "Phase", "Task", "Status");
        table.AddColumn(new TableColumn("Attempts").RightAligned());
        table.AddColumn(new TableColumn("Time").RightAligned());
        table.AddColumn("What it did");
        TaskLine? before = null;
        foreach (var line in lines)
        {
            var samePhase = before?.Round == line.Round && before.Phase == line.Phase;
            table.AddRow(
                new Text(before?.Round == line.Round ? "" : $"{line.Round}"),
                new Text(samePhase ? "" : line.Phase.Name),
                new Text(line.TaskId),
                new Text(line.Status.ToString(), Colour(line.Status)),
                new Text(line.Attempts > 0 ? $"{line.Attempts}" : ""),
                new Text(line.Duration is { } duration ? $"{duration.TotalSeconds:0.0} s" : "…"),
                new Text(line.Note.Length > MaxNote ? line.Note[..MaxNote] + "…" : line.Note));
            before = line;
        }

        return table;
    }

    private static Style Colour(AgentTaskStatus status) => status switch
    {
        AgentTaskStatus.Completed => new Style(Color.Green),
        AgentTaskStatus.Failed or AgentTaskStatus.Blocked => new Style(Color.Red),
        _ => new Style(Color.Yellow),
    };
}
