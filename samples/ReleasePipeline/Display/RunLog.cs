using Conductor;

namespace ReleasePipeline.Display;

/// <summary>Turns the events of a run into a line for each task and round. Not thread-safe.</summary>
internal sealed class RunLog
{
    private readonly List<TaskLine> _lines = [];

    /// <summary>The lines, in the order in which the tasks began.</summary>
    public IReadOnlyList<TaskLine> Lines => _lines;

    /// <summary>Takes an event in.</summary>
    /// <param name="happened">The event.</param>
    public void Add(WorkflowEvent happened)
    {
        if (happened.TaskId is not { } task)
        {
            return;
        }

        // A task runs once in a round; progress comes without a round and is about the latest.
        var index = _lines.FindLastIndex(line =>
            line.TaskId == task && (line.Round == happened.Round || happened.Kind == WorkflowEventKind.Progress));
        if (index < 0 && happened.Kind is WorkflowEventKind.TaskStarted or WorkflowEventKind.TaskFinished)
        {
            index = _lines.Count;
            _lines.Add(new TaskLine
            {
                Round = happened.Round,
                Phase = happened.Phase ?? default,
                TaskId = task,
                Status = AgentTaskStatus.InProgress,
            });
        }

        if (index >= 0)
        {
            _lines[index] = Update(_lines[index], happened);
        }
    }

    private static TaskLine Update(TaskLine line, WorkflowEvent happened) => happened.Kind switch
    {
        WorkflowEventKind.Progress => line with { Note = happened.Message ?? line.Note },
        WorkflowEventKind.TaskRetrying => line with { Note = $"{happened.Error?.Message} {happened.Message}" },
        WorkflowEventKind.TaskFinished => line with
        {
            Status = happened.TaskStatus ?? AgentTaskStatus.Completed,
            Attempts = happened.Attempts,
            Duration = happened.Duration,
            Note = happened.Error?.Message ?? line.Note,
        },
        _ => line,
    };
}
