using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Agents;

/// <content>What the agent's code uses and says, and what comes of that once the code is over.</content>
public sealed partial class TaskContext
{
    /// <summary>The id of the agent; null where nobody knows it.</summary>
    private string? KnownAgentId => _mailbox?.Id ?? _extras?.AgentId;

    /// <summary>Whether the agent's code is over, or nothing that it gives counts any more (its time limit).</summary>
    internal bool IsOver => _result is not null || _extras is { HasEnded: true };

    /// <summary>An agent is about to run a context that was made by hand.</summary>
    internal void RunBy(AgentIdentity? agent)
    {
        if (_mailbox is null && agent is not null)
        {
            Own().AgentId = agent.Id;
        }
    }

    /// <summary>The agent's code is over: what it did not await and comes later comes too late. No attempt has a field for that alone.</summary>
    internal void EndCode()
    {
        if ((_extras ?? Interlocked.CompareExchange(ref _extras, Extras.OfEnded, comparand: null)) is { } extras)
        {
            extras.HasEnded = true;

            // Before anybody looks for a scope: whoever has just opened one either is seen, or sees the end.
            Interlocked.MemoryBarrier();
        }
    }

    /// <summary>What is the attempt's own. (Its code may use several threads.)</summary>
    private Extras Own()
    {
        if (_extras is { } known)
        {
            return known;
        }

        var own = new Extras();
        return Interlocked.CompareExchange(ref _extras, own, comparand: null) ?? own;
    }

    private AsyncServiceScope ScopeOfServices()
    {
        if (_extras is { Scope: { } begun })
        {
            return begun;
        }

        if (Host.Scopes is not { } scopes)
        {
            throw new InvalidOperationException("There are no services here: " + (_mailbox is null
                ? "this context was made by hand; a task gets its own where AddConductor() made everything."
                : "the coordinator was built by hand, not by AddConductor()."));
        }

        var extras = Own();
        if (!extras.HasEnded)
        {
            var scope = scopes.CreateAsyncScope();
            extras.Scope = scope;
            Interlocked.MemoryBarrier();
            if (!extras.HasEnded)
            {
                return scope;
            }

            // At this moment: nobody else may have seen the scope.
            _ = EndScopeAsync().AsTask();
        }

        throw new ObjectDisposedException(
            $"{nameof(TaskContext)}.{nameof(Services)}",
            $"The services of task '{Task.Id}' have ended with its attempt. Await in RunAsync what uses them, or let what outlives the task open a " +
                "scope of its own (IServiceScopeFactory).");
    }

    /// <summary>
    /// What the attempt has to say, to be added to; null when it is over, which is logged once. (Looked up once: the end may come in between, and
    /// what says that it came is everybody's.)
    /// </summary>
    private Extras? InTime(string call)
    {
        var extras = Own();
        if (!extras.HasEnded)
        {
            return extras;
        }

        if (ReferenceEquals(extras, Extras.OfEnded))
        {
            _extras = extras = new Extras { HasEnded = true };
        }

        if (!extras.HasWarned)
        {
            extras.HasWarned = true;
            Log.TooLate(Logger, call, AgentId, Task.Id);
        }

        return null;
    }
}
