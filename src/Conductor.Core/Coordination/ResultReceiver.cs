using Conductor.Agents;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>Takes the results of a coordinator's attempts, and gives each to whoever waits for it.</summary>
/// <param name="find">Finds the slot of an agent.</param>
/// <param name="environment">Knows whether somebody measures how long handlers take.</param>
/// <param name="logger">Told of results that nobody waits for.</param>
internal sealed class ResultReceiver(Func<string, AgentSlot?> find, ConductorEnvironment environment, ILogger logger) : IMessageReceiver
{
    /// <summary>A result is only handed on.</summary>
    public bool HandlesAtOnce(AgentMessage message) => true;

    public bool TryTake(IMessageSource source)
    {
        if (source is not TaskContext { Mailbox: AgentSlot slot, Result: { } result } attempt)
        {
            return false;
        }

        Complete(slot, attempt.Number, result, slot.Id, onThisThread: true);
        return true;
    }

    public ValueTask HandleAsync(AgentMessage message, CancellationToken cancellationToken)
    {
        HandleAtOnce(message);
        return ValueTask.CompletedTask;
    }

    public void HandleAtOnce(AgentMessage message)
    {
        if (message.Payload is TaskResultPayload { Result: var result })
        {
            // While somebody measures, what follows must not be counted as the handling of the message that brought the answer.
            var onThisThread = !environment.MeasuresHandlers;
            Complete(find(message.Sender), EntityId.NumberOf(message.CorrelationId), result, message.Sender, onThisThread);
        }
    }

    private void Complete(AgentSlot? slot, long attempt, TaskResult result, string agentId, bool onThisThread)
    {
        if (slot?.TryComplete(attempt, result, onThisThread) != true)
        {
            Log.ResultDropped(logger, result.TaskId, agentId);
        }
    }
}
