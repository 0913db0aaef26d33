using Conductor.Agents;
using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>
/// Ends agents: runs their stop hooks and disposes what was made here. Nothing that they throw, and nothing that hangs in them, keeps an agent from
/// being removed or others from being stopped; what is left to itself is heard to its end. Thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="gracePeriod">How long a hook is waited for once whoever waits has no patience any more.</param>
/// <param name="logger">Is told of what went wrong.</param>
internal sealed class AgentEnding(TimeProvider time, TimeSpan gracePeriod, ILogger logger)
{
    /// <summary>Ends an agent. Never throws.</summary>
    /// <param name="agentId">Who it is.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="isStarted">Whether its start hook has succeeded: the stop hook belongs to it.</param>
    /// <param name="isOurs">Whether it was made here, and is disposed here.</param>
    /// <param name="patience">
    /// When it ends, the stop hook has the grace period left, and so has the disposal. Where the hook does not end by then, the disposal follows when it does.
    /// </param>
    public async ValueTask EndAsync(string agentId, BaseAgent agent, bool isStarted, bool isOurs, CancellationToken patience)
    {
        var stop = Task.CompletedTask;
        if (isStarted)
        {
            var limit = NewLimit(agentId, patience);
            await using var watched = limit.ConfigureAwait(false);
            stop = HearAsync(agent.StopAsync, Log.StopHookFailed, agentId, limit.Token);
            if (!await limit.IsOverInTimeAsync(stop).ConfigureAwait(false))
            {
                Log.StopHookLeft(logger, agentId);
            }
        }

        agent.Detach();
        if (isOurs && stop.IsCompleted)
        {
            var limit = NewLimit(agentId, patience);
            await using var watched = limit.ConfigureAwait(false);
            if (!await limit.IsOverInTimeAsync(DisposeAsync(agentId, agent)).ConfigureAwait(false))
            {
                Log.DisposalLeft(logger, agentId);
            }
        }
        else if (isOurs)
        {
            // Left to itself, whole: what the hook still uses is not disposed beneath it.
            _ = DisposeAfterAsync(stop, agentId, agent);
        }
    }

    private GraceLimit NewLimit(string agentId, CancellationToken patience) =>
        new(gracePeriod, time, exception => Log.HookCallbackFailed(logger, exception, agentId), patience);

    private async Task DisposeAfterAsync(Task stop, string agentId, BaseAgent agent)
    {
        await stop.ConfigureAwait(false);
        await DisposeAsync(agentId, agent).ConfigureAwait(false);
    }

    private Task DisposeAsync(string agentId, BaseAgent agent) =>
        HearAsync(_ => AgentDisposal.DisposeAsync(agent), Log.DisposalFailed, agentId, CancellationToken.None);

    /// <summary>Runs what ends an agent and logs what it throws, however late. Never throws.</summary>
    private async Task HearAsync(Func<CancellationToken, ValueTask> end, Action<ILogger, Exception, string> failed, string agentId, CancellationToken limit)
    {
        // Users' code may block the thread instead of waiting: not that of whoever waits for it up to a limit.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await end(limit).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            // It was told that it is waited for no longer, and heeded that.
        }
#pragma warning disable CA1031 // Users' code may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failed(logger, exception, agentId);
        }
    }
}
