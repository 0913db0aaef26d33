using Conductor.Agents;
using Conductor.Messaging;
using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>Takes the results of a coordinator's attempts, and gives each to whoever waits for it.</summary>
/// <param name="find">Finds the slot of an agent.</param>
/// <param name="logger">Told of results that nobody waits for.</param>
internal sealed class ResultReceiver(Func<string, AgentSlot?> find, ILogger logger) : IMessageReceiver
{
    /// <summary>A result is only handed on.</summary>
    public bool HandlesAtOnce(AgentMessage message) => true;

    public bool TryTake(IMessageSource source)
    {
        if (source is not TaskContext { Mailbox: AgentSlot slot, Result: { } result } attempt)
        {
            return false;
        }

        Complete(slot, attempt.Number, result, slot.Id);
        return true;
    }

    public ValueTask HandleAsync(AgentMessage message, CancellationToken cancellationToken)
    {
        if (message.Payload is TaskResultPayload { Result: var result })
        {
            Complete(find(message.Sender), EntityId.NumberOf(message.CorrelationId), result, message.Sender);
        }

        return ValueTask.CompletedTask;
    }

    private void Complete(AgentSlot? slot, long attempt, TaskResult result, string agentId)
    {
        if (slot?.TryComplete(attempt, result) != true)
        {
            Log.ResultDropped(logger, result.TaskId, agentId);
        }
    }
}
