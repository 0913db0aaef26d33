using Conductor.Messaging;

namespace Conductor.Coordination;

/// <content>The attempt under way: its begin, and the ways in which it ends.</content>
internal sealed partial class AgentSlot
{
    /// <summary>The result of the attempt that was begun; to be awaited once.</summary>
    public ValueTask<TaskResult> Answer => _answer!.Task;

    /// <summary>Whether that is what the agent has given out. When it was awaited, until the slot is used again.</summary>
    public bool IsAnsweredByAgent => _answer!.IsOfAgent;

    /// <summary>Begins an attempt: everything is in place before its assignment is published.</summary>
    /// <param name="ticket">The dispatch.</param>
    /// <param name="now">When it begins.</param>
    /// <param name="limit">The time that one attempt may take. It ends sooner at the total deadline of its task.</param>
    /// <returns>False when the agent was removed, or is about to be, since it was taken: it would never answer.</returns>
    public bool TryBegin(DispatchTicket ticket, long now, TimeSpan limit)
    {
        var left = ticket.TimeLeft(Time);
        lock (this)
        {
            if (_removed || HasLeft)
            {
                return false;
            }

            _busyParts = 2;
            _codeReturned = _failedByStop = false;
            Assignment = ticket.NextAssignment();
            Lease = ticket.Owner?.Lease;
            IsLed = ticket.LeadingThread == Environment.CurrentManagedThreadId;

            // It runs this agent alone: should the attempt be over before it began, the next one's may be begun on the same thread.
            ticket.LeadingThread = 0;
            AttemptNumber = EntityId.NewNumber();
            (_answer ??= new AttemptAnswer()).Open(AttemptNumber);
            StartedAt = now;
            _endsAtDeadline = left < limit;
            _timeout = left is { } rest && _endsAtDeadline ? (rest > TimeSpan.Zero ? rest : TimeSpan.Zero) : limit;
            _inGrace = false;
            Arm();
        }

        Status = AgentStatus.Running;
        return true;
    }

    /// <summary>The result of an attempt came over the bus. One that is not under way is late, or a duplicate.</summary>
    /// <param name="attempt">The number of the attempt.</param>
    /// <param name="result">Its result.</param>
    /// <param name="onThisThread">Whether whoever awaits it may go on on this thread.</param>
    /// <returns>False when nobody waits for it.</returns>
    public bool TryComplete(long attempt, TaskResult result, bool onThisThread)
    {
        if (_answer?.TryClaim(attempt, byAgent: true) != true)
        {
            return false;
        }

        _answer.Give(result, onThisThread);
        return true;
    }

    /// <summary>Whoever dispatched the task no longer wants it: the agent is asked to stop, and nobody waits for it.</summary>
    public void Abandon(CancellationToken cancellationToken) => Abandon(error: null, isByStop: false, cancellationToken);

    /// <summary>The coordinator stops, and can wait for the task no longer.</summary>
    public void AbandonByStop(CancellationToken cancellationToken) => Abandon(error: null, isByStop: true, cancellationToken);

    private void Abandon(TaskError? error, bool isByStop, CancellationToken cancellationToken)
    {
        string? message = null;
        long attempt;
        TaskResult? result;
        lock (this)
        {
            if (_answer?.TryClaim(AttemptNumber) != true)
            {
                return;
            }

            attempt = AttemptNumber;
            if (isByStop)
            {
                message = $"Task '{Assignment?.Task.Id}' was cancelled because Conductor stops and could not wait for it any longer; whether it ran is " +
                    "unknown. Dispatch it again after the next start.";
            }

            result = error is null ? null : ResultOf(Assignment!, AgentTaskStatus.Failed, error);
            EnterGrace();
        }

        if (result is null)
        {
            _answer.Cancel(message, cancellationToken);
        }
        else
        {
            _answer.Give(result, onThisThread: false);
        }

        if (!Cancel(attempt))
        {
            OnNothingToReturn(attempt);
        }
    }

    /// <summary>Ends the attempt under way with an error that is not the agent's.</summary>
    /// <param name="error">The error.</param>
    /// <param name="attempt">The number of the only attempt that is meant: it may be over by now, and another under way. Default: whichever it is.</param>
    public void Fail(TaskError error, long? attempt = null)
    {
        TaskResult result;
        lock (this)
        {
            if (Assignment is null || AttemptNumber != (attempt ?? AttemptNumber) || _answer?.TryClaim(AttemptNumber) != true)
            {
                return;
            }

            result = ResultOf(Assignment, AgentTaskStatus.Failed, error);
        }

        _answer.Give(result, onThisThread: false);
    }

    /// <summary>The coordinator has dealt with the result of the attempt.</summary>
    public void Settle(bool success, bool isFinal)
    {
        // An attempt ends before the next begins, so nobody else counts now; others only look.
        Volatile.Write(ref _completed, _completed + (success ? 1 : 0));
        Volatile.Write(ref _failed, _failed + (!success && isFinal ? 1 : 0));
        Volatile.Write(ref _errors, _errors + (success ? 0 : 1));
        Permit?.Dispose();
        Permit = null;
        CompletePart();
    }

    /// <summary>The coordinator no longer waits for an attempt that was cancelled: nothing is counted.</summary>
    public void Forsake()
    {
        Permit?.Dispose();
        Permit = null;
        CompletePart();
    }

    /// <summary>An assignment that could not be published never reached the agent: its code has nothing to return from.</summary>
    /// <returns>False when it is answered all the same: the answer must be awaited before the slot is used again.</returns>
    public bool Unpublished(long attempt)
    {
        var claimed = _answer?.TryClaim(attempt) == true;
        if (!Cancel(attempt))
        {
            OnNothingToReturn(attempt);
        }

        return claimed;
    }

    /// <inheritdoc />
    public override void NoteStopped(long attempt)
    {
        lock (this)
        {
            _failedByStop |= AttemptNumber == attempt;
        }
    }

    /// <inheritdoc />
    protected override bool NoteReturn(long attempt, DateTimeOffset at)
    {
        if (_codeReturned || attempt == 0 || AttemptNumber != attempt)
        {
            return false;
        }

        _codeReturned = true;
        _lastSeenTicks = at.UtcTicks;
        return EndPart();
    }

    /// <inheritdoc />
    protected override void OnFree()
    {
        // Its code returns late: the place came free before, and whoever was woken for that did not find it.
        if (GiveBack())
        {
            Coordinator.OnAgentIdle();
        }
    }

    /// <summary>The attempt is over, and its agent is for others, or for nobody.</summary>
    /// <returns>Whether it idles.</returns>
    private bool GiveBack()
    {
        if (!_removed)
        {
            return Pool.Return(this);
        }

        Coordinator.OnRemovedAgentReturned(this);
        return false;
    }

    /// <summary>The agent has no code that could return: the assignment never came, or its result was lost.</summary>
    private void OnNothingToReturn(long attempt)
    {
        bool isFree;
        lock (this)
        {
            isFree = NoteReturn(attempt, Time.GetUtcNow());
        }

        if (isFree)
        {
            OnFree();
        }
    }

    /// <inheritdoc />
    protected override bool HasReturned => _codeReturned;

    /// <inheritdoc />
    protected override bool MayBePublishedAgain(long attempt, TaskResult result, Exception exception, TimeSpan delay)
    {
        lock (this)
        {
            if (AttemptNumber != attempt || Time.GetElapsedTime(StartedAt) + delay >= _timeout)
            {
                // A time limit would take the agent for one that did not finish.
                return false;
            }
        }

        var error = Host.Environment.Classify(exception, task: null, result.WorkflowId);
        return Coordinator.Errors.RetryPolicyOf(Identity.Type).IsRetryable(error);
    }

    /// <inheritdoc />
    protected override void OnUndeliverable(long attempt, TaskResult result, Exception exception) => TryComplete(
        attempt,
        result with
        {
            Status = AgentTaskStatus.Failed,
            Error = new TaskError
            {
                Code = (exception as ConductorException)?.ErrorCode ?? ErrorCodes.BusDisconnected,
                Message = $"The result of task '{result.TaskId}' could not be published: {ExceptionText.Of(exception)}",
                Type = exception.GetType().FullName,
            },
        },
        onThisThread: true);

    private TaskResult ResultOf(TaskAssignment assignment, AgentTaskStatus status, TaskError error)
    {
        var now = Time.GetUtcNow();
        var elapsed = Time.GetElapsedTime(StartedAt);
        return new TaskResult
        {
            TaskId = assignment.Task.Id,
            WorkflowId = assignment.WorkflowId,
            Round = assignment.Round,
            AgentId = Id,
            Status = status,
            Error = error,
            Attempts = assignment.Attempt,
            StartedAt = now - elapsed,
            CompletedAt = now,
            Duration = elapsed,
        };
    }
}
