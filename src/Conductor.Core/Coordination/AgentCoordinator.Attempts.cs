using Conductor.Threading;

namespace Conductor.Coordination;

/// <content>One attempt: its assignment on its way to the agent.</content>
public sealed partial class AgentCoordinator
{
    /// <summary>
    /// Publishes the assignment of an attempt that was begun. That is nearly always over when this returns: then what is awaited is the agent's
    /// answer and nothing between.
    /// </summary>
    private ValueTask<TaskResult> RunAttemptAsync(AgentSlot slot, CancellationToken cancellationToken)
    {
        ValueTask published;
        try
        {
            published = slot.AssignAsync(cancellationToken);
        }
#pragma warning disable CA1031 // It is thrown to whoever awaits the attempt, like one that comes later.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            published = ValueTask.FromException(exception);
        }

        return published.IsCompletedSuccessfully ? slot.Answer : AwaitPublishedAsync(published, slot, slot.AttemptNumber, slot.Answer);
    }

    private async ValueTask<TaskResult> AwaitPublishedAsync(ValueTask published, AgentSlot slot, long attempt, ValueTask<TaskResult> answer)
    {
        var (publishing, answered) = (published.AsTask(), answer.AsTask());
        if (await IsLeftPublishingAsync(publishing, answered, slot).ConfigureAwait(false))
        {
            return await answered.ConfigureAwait(false);
        }

        try
        {
            await publishing.ConfigureAwait(false);
        }
        catch
        {
            // It never reached the agent, as far as the bus knows: nobody's failure but the bus's, or the caller's own cancellation.
            if (slot.Unpublished(attempt))
            {
                throw;
            }

            // It did all the same, unless a time limit or a disconnect has answered for it: an agent that never had the task has not failed.
            var given = await answered.ConfigureAwait(false);
            if (!slot.IsAnsweredByAgent)
            {
                throw;
            }

            return given;
        }

        return await answered.ConfigureAwait(false);
    }

    /// <summary>
    /// Waits until it is known whether an assignment was published; a bus that does not say is not waited for beyond the grace period after the answer,
    /// be it the agent's, or that of a time limit or of the caller who gives up. What comes of it later is refused by its number.
    /// </summary>
    /// <returns>Whether it is left to itself.</returns>
    private async ValueTask<bool> IsLeftPublishingAsync(Task publishing, Task answered, AgentSlot slot)
    {
        await Task.WhenAny(publishing, answered).ConfigureAwait(false);
        if (!publishing.IsCompleted)
        {
            await publishing.WaitAsync(_options.CancellationGracePeriod, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (publishing.IsCompleted)
        {
            return false;
        }

        var agentId = slot.Id;
        Log.PublishingLeft(_logger, agentId);
        publishing.HearFailure(exception => Log.PublishFailedLate(_logger, exception, agentId));
        return true;
    }

    /// <summary>
    /// An attempt that was begun has its result. Its place and its agent are free before anybody is woken for the place, so that whoever is finds the agent.
    /// </summary>
    private void Settle(AgentSlot slot, bool success, bool isFinal)
    {
        var promised = _admissions.Free(slot);
        slot.Settle(success, isFinal);
        _admissions.WakeNext(promised);
    }

    /// <summary>The same for one that is no longer waited for.</summary>
    private void Forsake(AgentSlot slot)
    {
        var promised = _admissions.Free(slot);
        slot.Forsake();
        _admissions.WakeNext(promised);
    }
}
