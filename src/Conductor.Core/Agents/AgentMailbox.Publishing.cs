using Conductor.Threading;

namespace Conductor.Agents;

/// <content>Results on their way to the coordinator.</content>
internal abstract partial class AgentMailbox
{
    private void Publish(TaskContext attempt, TaskResult result)
    {
        var published = TryPublishAsync(attempt, result);
        if (!published.IsCompletedSuccessfully)
        {
            _ = AwaitPublishedAsync(published, attempt, result);
        }
    }

    private static ValueTask TryPublishAsync(TaskContext attempt, TaskResult result)
    {
        try
        {
            return attempt.PublishAsync(result);
        }
#pragma warning disable CA1031 // It is dealt with like one that comes later.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return ValueTask.FromException(exception);
        }
    }

    /// <summary>The task is done: while it is waited for, trouble of the bus that passes does not cost its result.</summary>
    private async Task AwaitPublishedAsync(ValueTask published, TaskContext attempt, TaskResult result)
    {
        var repetition = Repetition.ForAWhile(host.Environment.TimeProvider);
        while (true)
        {
            var delay = repetition.NextDelay();
            try
            {
                await published.ConfigureAwait(false);
                return;
            }
            catch (Exception exception) when (!repetition.IsOver && MayBePublishedAgain(attempt.Number, result, exception, delay))
            {
                Log.ResultPublishedLater(host.Logger, exception, Id, result.TaskId, delay);
            }
#pragma warning disable CA1031 // Whatever kept the result from the bus, the coordinator must learn that the attempt is over.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.ResultUndeliverable(host.Logger, exception, Id, result.TaskId);
                OnUndeliverable(attempt.Number, result, exception);
                return;
            }

            await Task.Delay(delay, host.Environment.TimeProvider).ConfigureAwait(false);
            published = TryPublishAsync(attempt, result);
        }
    }
}
