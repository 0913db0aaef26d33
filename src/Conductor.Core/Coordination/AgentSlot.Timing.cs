using Conductor.Threading;

namespace Conductor.Coordination;

/// <content>The time limit of an attempt, and the grace after it.</content>
internal sealed partial class AgentSlot
{
    /// <summary>
    /// Whether the attempt was ended because the total deadline of its task was over, which left it less than the limit of an attempt: the caller's
    /// time was short, and the agent not slow.
    /// As long as the coordinator has not done its part.
    /// </summary>
    public bool WasEndedByDeadline => _endsAtDeadline && _inGrace;

    /// <summary>
    /// Sees that the timer goes off no later than this. It is not stopped when an attempt ends: it goes off, finds nothing to do or something
    /// that is due later, and that costs less than two timer operations for every task.
    /// </summary>
    private void Arm()
    {
        var dueAt = Time.GetElapsedTime(0, StartedAt) + _timeout;
        if (_timerDue <= dueAt)
        {
            return;
        }

        _timerDue = dueAt;
        var due = _timeout - Time.GetElapsedTime(StartedAt);
        _timer ??= LastingTimer.Make(Time, static state => ((AgentSlot)state!).OnTimer(), this);
        _timer.Change(due > TimeSpan.Zero ? due : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private void EnterGrace()
    {
        // When it began stays as it is: an attempt whose result is lost is told of by that.
        _inGrace = true;
        _timeout = Time.GetElapsedTime(StartedAt) + Coordinator.GracePeriod;
        Arm();
    }

    private void OnTimer()
    {
        long attempt;
        bool graceIsOver;
        TaskError? timeout = null;
        lock (this)
        {
            _timerDue = TimeSpan.MaxValue;
            if (AttemptNumber == 0)
            {
                return;
            }

            if (_timeout > Time.GetElapsedTime(StartedAt))
            {
                Arm();
                return;
            }

            attempt = AttemptNumber;
            graceIsOver = _inGrace;
            if (!graceIsOver)
            {
                timeout = TimeoutError(_timeout);
                EnterGrace();
            }
        }

        if (timeout is not null)
        {
            OnTimeout(attempt, timeout);
        }
        else
        {
            OnGraceOver(attempt);
        }
    }

    private void OnTimeout(long attempt, TaskError error)
    {
        if (!End(attempt, context => context.ToResult(AgentTaskStatus.Failed, error)))
        {
            // The assignment, or its result, was lost on the way: the caller gets its answer on time all the same.
            Fail(error, attempt);
            OnNothingToReturn(attempt);
        }
    }

    private void OnGraceOver(long attempt)
    {
        if (TryLeaveScope(attempt))
        {
            WaitOnFor(attempt);
            return;
        }

        var runs = End(
            attempt,
            context => context.ToResult(AgentTaskStatus.Cancelled, new TaskError { Code = ErrorCodes.Cancelled, Message = "The caller cancelled the task." }));

        // What was published in place of its result, or that itself, was lost on its way: whoever waits gets an answer all the same.
        Fail(LostError(), attempt);
        if (runs && TrySetAside(attempt))
        {
            Coordinator.OnAgentSetAside(this);
        }
    }

    /// <summary>The attempt has its result now, which is on its way: should it be lost, there is an answer after one more grace period.</summary>
    private void WaitOnFor(long attempt)
    {
        lock (this)
        {
            if (AttemptNumber == attempt)
            {
                EnterGrace();
            }
        }
    }

    /// <summary>Under the lock: an agent that returns at this moment is either not set aside, or idle after it was.</summary>
    private bool TrySetAside(long attempt)
    {
        lock (this)
        {
            if (_removed || _codeReturned || AttemptNumber != attempt)
            {
                return false;
            }

            Status = AgentStatus.Failed;

            // Whoever unregisters it has waited long enough.
            _free?.TrySetResult();

            // Another takes its place: should it return now, it must not get another task.
            _removed = Factory is not null;
            return true;
        }
    }

    private TaskError LostError() => new()
    {
        Code = ErrorCodes.AgentTimeout,
        Message = $"Task '{Assignment?.Task.Id}' of agent '{Id}' ended at its time limit, and its result did not come over the bus within the " +
            $"{Coordinator.GracePeriod} of DispatchOptions.CancellationGracePeriod. See that the bus loses no messages.",
    };

    private TaskError TimeoutError(TimeSpan limit) => new()
    {
        Code = ErrorCodes.AgentTimeout,
        Message = $"Agent '{Id}' did not finish task '{Assignment?.Task.Id}' within {limit}" + (_endsAtDeadline
            ? $", all that was left of its total deadline of {Assignment?.Task.Deadline}. Raise TaskDefinition.Deadline, or let the agent do less at once."
            : ". Raise TaskDefinition.Timeout, or let the agent do less at once."),
    };
}
