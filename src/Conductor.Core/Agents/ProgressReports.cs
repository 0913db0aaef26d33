using Conductor.Messaging;

namespace Conductor.Agents;

/// <summary>
/// Tells of the progress of one attempt, one report at a time: as long as the bus has not answered one, the newest waits in the place of those before it.
/// Otherwise a bus that hangs would collect all that a busy agent has to say. Thread-safe; never throws.
/// </summary>
internal sealed class ProgressReports(TaskContext task, MessageBus bus)
{
    private readonly Lock _gate = new();
    private bool _isUnderWay;
    private Report? _next;

    /// <summary>Tells whoever follows how far the task is.</summary>
    public void Tell(double percent, string? text)
    {
        var report = new Report(percent, text);
        lock (_gate)
        {
            if (_isUnderWay)
            {
                _next = report;
                return;
            }

            _isUnderWay = true;
        }

        _ = PublishAllAsync(report);
    }

    private async Task PublishAllAsync(Report? report)
    {
        while (report is not null)
        {
            await PublishAsync(report).ConfigureAwait(false);
            lock (_gate)
            {
                (report, _next) = (_next, null);
                _isUnderWay = report is not null;
            }
        }
    }

    private async Task PublishAsync(Report report)
    {
        try
        {
            await bus.PublishAsync(
                task.WorkflowId is { } run ? Channels.Workflow(run) : Channels.Status,
                new AgentMessage
                {
                    Type = MessageType.StatusUpdate,
                    Sender = task.AgentId,
                    CorrelationId = task.IdempotencyKey,
                    Payload = new StatusUpdate
                    {
                        AgentId = task.AgentId,
                        Status = AgentStatus.Running,
                        TaskId = task.Task.Id,
                        Phase = task.Phase,
                        Round = task.Round,
                        Progress = report.Percent,
                        Text = report.Text,
                    },
                }).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever a provider throws: nobody awaits it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ProgressLost(task.Logger, exception, task.Task.Id);
        }
    }

    private sealed record Report(double Percent, string? Text);
}
