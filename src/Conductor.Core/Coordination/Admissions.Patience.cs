using Conductor.Threading;

namespace Conductor.Coordination;

/// <content>How long a dispatch may wait, and what it hears when that is over.</content>
internal sealed partial class Admissions
{
    /// <summary>Waits for the time of a dispatch's next attempt, unless it is to be given back before.</summary>
    public async ValueTask BackOffAsync(DispatchTicket ticket, TimeSpan delay, CancellationToken cancellationToken)
    {
        if (delay > TimeSpan.Zero)
        {
            using var wait = _waits.Enter(ticket, patience: null, cancellationToken);
            var beganAt = _time.GetTimestamp();
            var left = delay;
            while (left > TimeSpan.Zero && !wait.Token.IsCancellationRequested)
            {
                // No timer takes longer; each may come late, but none needs to be waited for twice.
                var part = TimerRange.AtMost(left);
                await ((Task)Task.Delay(part, _time, wait.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                left = TimeSpan.FromTicks(Math.Min((left - part).Ticks, (delay - _time.GetElapsedTime(beganAt)).Ticks));
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Whoever dispatched it, or the coordinator, begins nothing more; or its deadline has passed.</summary>
    private void ThrowIfNoLongerWanted(DispatchTicket ticket)
    {
        if (_limit.IsClosed || ticket.IsToBeGivenBack)
        {
            throw AgentCoordinator.EndByStop(ticket);
        }

        if (ticket.TimeLeft(_time) <= TimeSpan.Zero)
        {
            throw OutOfPatience(ticket);
        }
    }

    /// <summary>
    /// The wait limit for the first agent of a dispatch, if there is one. Whoever limits itself to what the queue holds is not refused for having
    /// to wait for agents that are there: its own tasks keep them busy.
    /// </summary>
    private TimeSpan? WaitLimitOf(DispatchTicket ticket, AgentPool pool) =>
        ticket.Attempt > 1 || (ticket.IsFlowControlled && !pool.IsEmpty) ? null : _options.WaitLimit;

    /// <summary>How long a dispatch may still wait: up to the wait limit, and never beyond its deadline.</summary>
    private TimeSpan? Patience(DispatchTicket ticket, AgentPool pool)
    {
        TimeSpan? limit = WaitLimitOf(ticket, pool) is { } wait ? wait - ticket.WaitedBefore - _time.GetElapsedTime(ticket.ArrivedAt) : null;
        return Sooner(limit, ticket.TimeLeft(_time));
    }

    /// <summary>The shorter of two limits, of which each may be none.</summary>
    private static TimeSpan? Sooner(TimeSpan? one, TimeSpan? other) => one is null || other < one ? other ?? one : one;

    private ConductorException OutOfPatience(DispatchTicket ticket)
    {
        if (ticket.TimeLeft(_time) <= TimeSpan.Zero)
        {
            return new AgentTimeoutException(ticket.Task.Id, ticket.WaitedFor is { } denial
                ? $"Task '{ticket.Task.Id}' was denied until its total deadline of {ticket.Task.Deadline} was over: {denial.Message} Raise " +
                    "TaskDefinition.Deadline, or what the policy limits."
                : $"Task '{ticket.Task.Id}' had no agent within its total deadline of {ticket.Task.Deadline}. Add agents of type " +
                    $"'{ticket.Task.AgentType}', or raise TaskDefinition.Deadline.");
        }

        return new NoAvailableAgentException(
            ticket.Task.AgentType,
            $"No agent of type '{ticket.Task.AgentType}' came free for task '{ticket.Task.Id}' within {_options.WaitLimit}. " +
            $"Add agents, or raise {nameof(DispatchOptions)}.{nameof(DispatchOptions.WaitLimit)}.");
    }
}
