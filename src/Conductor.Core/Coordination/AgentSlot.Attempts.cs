using Conductor.Messaging;

namespace Conductor.Coordination;

/// <content>The attempt under way: its begin, and the ways in which it ends.</content>
internal sealed partial class AgentSlot
{
    /// <summary>Begins an attempt: everything is in place before its assignment is published.</summary>
    /// <returns>Its result; to be awaited once.</returns>
    public ValueTask<TaskResult> Begin(DispatchTicket ticket, DispatchTiming now, TimeSpan timeout)
    {
        ValueTask<TaskResult> answer;
        lock (_gate)
        {
            answer = (_answer ??= new AttemptAnswer()).Open();
            _busyParts = 2;
            _codeReturned = false;
            _assignment = ticket.NextAssignment();
            IsLed = ticket.LeadingThread == Environment.CurrentManagedThreadId;
            _attempt = EntityId.NewNumber();
            _startedAt = now.Timestamp;
            _timeout = timeout;
            _inGrace = false;
            _lastSeenTicks = now.StartedAt.UtcTicks;
            Arm();
        }

        Status = AgentStatus.Running;
        return answer;
    }

    /// <summary>The assignment of the attempt under way, for whoever needs a message of it.</summary>
    AgentMessage IMessageSource.ToMessage()
    {
        var id = EntityId.TextOf(_attempt);
        return new AgentMessage(id)
        {
            CorrelationId = id,
            Type = MessageType.TaskAssignment,
            Sender = _host.CoordinatorId,
            Priority = _assignment!.Task.Priority,
            Timestamp = new DateTimeOffset(_lastSeenTicks, TimeSpan.Zero),
            Payload = _assignment,
        };
    }

    /// <summary>The result of an attempt came over the bus. One that is not under way is late, or a duplicate.</summary>
    /// <param name="attempt">The number of the attempt.</param>
    /// <param name="result">Its result.</param>
    /// <param name="onThisThread">Whether whoever awaits it may go on on this thread.</param>
    /// <returns>False when nobody waits for it.</returns>
    public bool TryComplete(long attempt, TaskResult result, bool onThisThread)
    {
        lock (_gate)
        {
            if (attempt == 0 || _attempt != attempt || _answer?.TryClaim() != true)
            {
                return false;
            }
        }

        _answer.Give(result, onThisThread);
        return true;
    }

    /// <summary>Whoever dispatched the task no longer wants it: the agent is asked to stop, and nobody waits for it.</summary>
    public void Abandon(CancellationToken cancellationToken)
    {
        long attempt;
        lock (_gate)
        {
            if (_answer?.TryClaim() != true)
            {
                return;
            }

            attempt = _attempt;
            EnterGrace();
        }

        _answer.Cancel(cancellationToken);
        if (!Mailbox.Cancel(attempt))
        {
            OnIdle(attempt, Time.GetUtcNow());
        }
    }

    /// <summary>Ends the attempt under way with an error that is not the agent's.</summary>
    public void Fail(TaskError error)
    {
        TaskResult result;
        lock (_gate)
        {
            if (_assignment is null || _answer?.TryClaim() != true)
            {
                return;
            }

            result = ResultOf(_assignment, AgentTaskStatus.Failed, error);
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
    /// <returns>False when somebody answers it all the same at this moment: the answer must be awaited before the slot is used again.</returns>
    public bool Unpublished(long attempt)
    {
        var claimed = _answer?.TryClaim() == true;
        if (!Mailbox.Cancel(attempt))
        {
            OnIdle(attempt, Time.GetUtcNow());
        }

        return claimed;
    }

    /// <inheritdoc />
    public void OnIdle(long attempt, DateTimeOffset at)
    {
        lock (_gate)
        {
            if (_codeReturned || attempt == 0 || _attempt != attempt)
            {
                return;
            }

            _codeReturned = true;
            _lastSeenTicks = at.UtcTicks;
        }

        CompletePart();
    }

    /// <inheritdoc />
    public void OnUndeliverable(long attempt, TaskResult result, Exception exception) => TryComplete(
        attempt,
        result with
        {
            Status = AgentTaskStatus.Failed,
            Error = new TaskError
            {
                Code = (exception as ConductorException)?.ErrorCode ?? ErrorCodes.BusDisconnected,
                Message = $"The result of task '{result.TaskId}' could not be published: {exception.Message}",
                Type = exception.GetType().FullName,
            },
        },
        onThisThread: true);

    private TaskResult ResultOf(TaskAssignment assignment, AgentTaskStatus status, TaskError error)
    {
        var now = Time.GetUtcNow();
        var elapsed = Time.GetElapsedTime(_startedAt);
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
