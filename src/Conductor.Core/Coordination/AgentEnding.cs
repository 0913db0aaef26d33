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
    /// <param name="patience">When it ends, the stop hook has the grace period left, and so has the disposal.</param>
    public async ValueTask EndAsync(string agentId, BaseAgent agent, bool isStarted, bool isOurs, CancellationToken patience)
    {
        if (isStarted)
        {
            await WaitAsync(token => agent.StopAsync(token), Log.StopHookFailed, Log.StopHookLeft, agentId, patience).ConfigureAwait(false);
        }

        agent.Detach();
        if (isOurs)
        {
            await WaitAsync(_ => AgentDisposal.DisposeAsync(agent), Log.DisposalFailed, Log.DisposalLeft, agentId, patience).ConfigureAwait(false);
        }
    }

    private async ValueTask WaitAsync(
        Func<CancellationToken, ValueTask> end,
        Action<ILogger, Exception, string> failed,
        Action<ILogger, string> left,
        string agentId,
        CancellationToken patience)
    {
        var limit = new GraceLimit(gracePeriod, time, exception => Log.HookCallbackFailed(logger, exception, agentId), patience);
        await using var watched = limit.ConfigureAwait(false);
        if (!await limit.IsOverInTimeAsync(HearAsync(end, failed, agentId, limit.Token)).ConfigureAwait(false))
        {
            left(logger, agentId);
        }
    }

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
