using Conductor.Diagnostics;
using Conductor.Errors;
using Conductor.Messaging;

namespace Conductor.Coordination;

/// <summary>
/// A task to be dispatched, with what surrounds it, on its way through attempts, waits and refusals. Belongs to one flow at a time; what the
/// queues use is under their locks.
/// </summary>
/// <param name="assignment">What goes to the agent of the first attempt; those of later attempts get a copy with the number of theirs.</param>
internal sealed partial class DispatchTicket(TaskAssignment assignment)
{
    private Setbacks? _setbacks;
    private Stage _stage;

    public TaskAssignment Assignment { get; } = assignment;

    public TaskDefinition Task => Assignment.Task;

    public string? WorkflowId => Assignment.WorkflowId;

    public int Round => Assignment.Round;

    /// <summary>True for a task outside workflows: it is recorded by itself.</summary>
    public bool IsStandalone { get; private init; }

    /// <summary>True when whoever dispatches limits itself to what the queue holds, so that the queue never refuses it.</summary>
    public bool IsFlowControlled { get; init; }

    /// <summary>Who dispatched it, where that is somebody who stops, or may lose it while it waits.</summary>
    public IDispatchOwner? Owner { get; init; }

    /// <summary>When the dispatch began: what its deadline counts from.</summary>
    public long ArrivedAt { get; set; }

    /// <summary>
    /// Its place among equals, and what it ages from: its arrival, and as much later as it was not waiting for an agent, but with one, or resting before its
    /// next attempt.
    /// </summary>
    public long WaitsSince => _setbacks?.WaitsSince ?? ArrivedAt;

    /// <summary>How long it had waited for an agent before anybody here had it: of its wait limit, so much is over.</summary>
    public TimeSpan WaitedBefore
    {
        get => _setbacks?.WaitedBefore ?? TimeSpan.Zero;
        init
        {
            if (value > TimeSpan.Zero)
            {
                (_setbacks ??= new Setbacks()).WaitedBefore = value;
            }
        }
    }

    /// <summary>The attempt under way; the first is 1.</summary>
    public int Attempt { get; private set; } = 1;

    /// <summary>Attempts begun so far and when the first began: what is known of a dispatch that is cancelled.</summary>
    public int AttemptsBegun => _stage == Stage.Begun ? Attempt : Attempt - 1;

    public long FirstBegunAt { get; private set; }

    /// <summary>The thread that goes on with a dispatch that waited, as long as it does; 0 for none.</summary>
    public int LeadingThread { get; set; }

    /// <summary>Whether its waiting was ended because whoever dispatched it stops: it did not fail, and is begun by somebody else.</summary>
    public bool IsGivenBack { get; set; }

    /// <summary>Whether whoever dispatched it begins nothing more.</summary>
    public bool IsToBeGivenBack => Owner is { IsStopping: true };

    /// <summary>Tasks that were admitted before this one when the policies were asked last.</summary>
    public int AdmittedBefore { get; set; }

    /// <summary>
    /// Whether what came free is its, and it has not begun since: should it not begin, somebody else may. Of one that waits for an agent, under the lock of
    /// the pool.
    /// </summary>
    public bool HasTurn
    {
        get => _setbacks is { HasTurn: true };
        set
        {
            if (value || _setbacks is not null)
            {
                (_setbacks ??= new Setbacks()).HasTurn = value;
            }
        }
    }

    /// <summary>Those for whom it was sent to look whether what denied it allows it now; null for none.</summary>
    public DenialKind.Name? ScoutFor
    {
        get => _setbacks?.ScoutFor;
        set
        {
            if (value is not null || _setbacks is not null)
            {
                (_setbacks ??= new Setbacks()).ScoutFor = value;
            }
        }
    }

    /// <summary>
    /// The agent that was kept for it when it was promised the place with which that came free; null when it has arrived, or for none. Set while it waits in
    /// the gate; it may have been given to somebody who is served before by now.
    /// </summary>
    public AgentSlot? Kept
    {
        get => _setbacks?.Kept;
        set
        {
            if (value is not null || _setbacks is not null)
            {
                (_setbacks ??= new Setbacks()).Kept = value;
            }
        }
    }

    /// <summary>Its place among those that arrived at the same moment, from when it waited for capacity first: it does not lose it by looking again.</summary>
    public long? NumberInGate
    {
        get => _setbacks?.NumberInGate;
        set => (_setbacks ??= new Setbacks()).NumberInGate = value;
    }

    /// <summary>Whether it was let in to wait, for an agent or for capacity: it keeps its place in the queue, however often it looks in between.</summary>
    public bool HasWaited => _stage != Stage.New;

    /// <summary>Whether it looked again without having waited, because what was in its way had been reserved in vain: the next time it waits.</summary>
    public bool HasLookedAgain
    {
        get => _setbacks is { HasLookedAgain: true };
        set => (_setbacks ??= new Setbacks()).HasLookedAgain = value;
    }

    /// <summary>Asks, where that is in doubt, whether whoever dispatched the task still has the right to run it.</summary>
    public ValueTask EnsureOwnedAsync() => Owner?.EnsureOwnsAsync() ?? ValueTask.CompletedTask;

    /// <summary>What is told before it begins for the first time; null for nothing, or when it was.</summary>
    public IBeginning? Beginning
    {
        get => _setbacks?.Beginning;
        set
        {
            if (value is not null || _setbacks is not null)
            {
                (_setbacks ??= new Setbacks()).Beginning = value;
            }
        }
    }

    /// <summary>The dead letter that was kept when the task was given up.</summary>
    public ErrorRecord? DeadLetter
    {
        get => _setbacks?.DeadLetter;
        set => (_setbacks ??= new Setbacks()).DeadLetter = value;
    }

    /// <summary>The agent of the attempt that failed last: another one is preferred.</summary>
    public AgentSlot? Avoid => _setbacks?.Avoid;

    /// <summary>The agent of the last attempt that failed or was cancelled; null when there is none.</summary>
    public string? LastAgentId => _setbacks?.Left?.Id;

    /// <summary>Whether an agent had the task before the attempt under way.</summary>
    public bool HasRun => _setbacks?.Earlier is not null;

    /// <summary>The agents of attempts that failed and were followed by others, in order. Null for none.</summary>
    public IReadOnlyList<string>? EarlierAgentIds => _setbacks?.Earlier;

    /// <summary>What the attempt that failed last failed with.</summary>
    public TaskError? LastError => _setbacks?.LastError;

    /// <summary>Whether another one is waited for before that one is taken again.</summary>
    public bool IsAvoiding(TimeProvider time) => AvoidTimeLeft(time) is not null;

    /// <summary>How much longer another one is waited for; null for no longer.</summary>
    public TimeSpan? AvoidTimeLeft(TimeProvider time) =>
        _setbacks is { AvoidFor: { } limit, AvoidSince: var since } && limit - time.GetElapsedTime(since) is var left && left > TimeSpan.Zero ? left : null;

    /// <summary>An accepted task is never refused for a full queue when it comes back, for another attempt or from a look at what denied it.</summary>
    public bool MayExceedQueue => IsFlowControlled || Attempt > 1 || HasWaited;

    /// <summary>A task outside workflows.</summary>
    public static DispatchTicket Standalone(TaskDefinition task) => new(new TaskAssignment { Task = task, Phase = task.Phase }) { IsStandalone = true };

    /// <summary>What goes to the agent of the attempt under way.</summary>
    public TaskAssignment NextAssignment() => Attempt == Assignment.Attempt ? Assignment : Assignment with { Attempt = Attempt };

    /// <summary>It is let in to wait. (Nothing is made for that: very many wait for an agent.)</summary>
    public void NoteWaiting() => _stage = Stage.Waited;

    /// <summary>An attempt begins.</summary>
    public void Begin(long now, TimeProvider time, ConductorInstruments instruments)
    {
        _stage = Stage.Begun;
        HasTurn = false;
        if (Attempt > 1)
        {
            _setbacks!.LastBegunAt = now;
            return;
        }

        FirstBegunAt = now;
        if (instruments.DispatchWaitTime.Enabled)
        {
            instruments.DispatchWaitTime.Record(
                time.GetElapsedTime(ArrivedAt, now).TotalSeconds, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.AgentType, Task.AgentType.Name));
        }
    }

    /// <summary>The result of the last attempt, as that of all: a result's times span all attempts.</summary>
    public TaskResult Complete(TaskResult result, TimeProvider time)
    {
        if (Attempt == 1)
        {
            return result;
        }

        var duration = time.GetElapsedTime(FirstBegunAt);
        return result with { StartedAt = result.CompletedAt - duration, Duration = duration, Attempts = AttemptsBegun };
    }

    /// <summary>The result of a task that ran before and found no agent for another attempt.</summary>
    public TaskResult NotRun(TaskError error, TimeProvider time) => new()
    {
        TaskId = Task.Id,
        WorkflowId = WorkflowId,
        Round = Round,
        AgentId = Avoid?.Id,
        Status = AgentTaskStatus.Failed,
        Error = error,
        CompletedAt = time.GetUtcNow(),
    };

    /// <summary>An attempt failed, and another follows.</summary>
    /// <param name="failed">The agent of the one that failed; null where it never got the task.</param>
    /// <param name="error">What it failed with.</param>
    /// <param name="delay">What lay between the two: as long again, another agent is waited for.</param>
    /// <param name="time">The clock.</param>
    public void NextAttempt(AgentSlot? failed, TaskError? error, TimeSpan delay, TimeProvider time)
    {
        Attempt++;
        _stage = Stage.Waited;
        var setbacks = _setbacks ??= new Setbacks();
        var now = time.GetTimestamp();
        setbacks.WaitsSince = now - ((setbacks.LastBegunAt ?? FirstBegunAt) - WaitsSince);
        if (failed is not null)
        {
            (setbacks.Earlier ??= []).Add(failed.Id);
            setbacks.Avoid = failed;
        }

        setbacks.LastError = error;
        (setbacks.AvoidFor, setbacks.AvoidSince) = (delay, now);
        ForgetRefusals();
    }

    /// <summary>Notes the agent of an attempt that failed, or is not waited for any longer.</summary>
    public void NoteLastAgent(AgentSlot slot) => (_setbacks ??= new Setbacks()).Left = slot;

    /// <summary>What is left of the total deadline; null when there is none.</summary>
    public TimeSpan? TimeLeft(TimeProvider time) => Task.Deadline is { } deadline ? deadline - time.GetElapsedTime(ArrivedAt) : null;

    /// <summary>Where an attempt failed, or none could begin.</summary>
    /// <param name="slot">Its agent; null when none could begin.</param>
    /// <param name="otherAgentsAvailable">Whether another agent could take the task.</param>
    /// <param name="time">The clock.</param>
    /// <param name="isFailureOfAgent">Whether the agent's breaker counts it.</param>
    public ErrorContext ToErrorContext(AgentSlot? slot, bool otherAgentsAvailable, TimeProvider time, bool isFailureOfAgent = true) => new()
    {
        AgentId = slot?.Id,
        AgentType = Task.AgentType,
        Task = Task,
        WorkflowId = WorkflowId,
        Round = Round,
        Attempt = Math.Max(AttemptsBegun, 1),
        OtherAgentsAvailable = otherAgentsAvailable,
        TimeLeft = TimeLeft(time),
        IdempotencyKey = Assignment.IdempotencyKey,
        ReplayOf = Assignment.ReplayOf,

        // One outside runs that is dispatched again, because it was refused or its result not saved, has the same letter.
        LetterId = IsStandalone ? $"task:{Task.Id}" : Owner?.LetterIdOf(Assignment),
        IsFailureOfAgent = isFailureOfAgent,
    };

    /// <summary>How far it is with the attempt under way.</summary>
    private enum Stage : byte
    {
        /// <summary>Nobody has let it in yet: a full queue may refuse it.</summary>
        New,

        Waited,

        Begun,
    }

    /// <summary>What few dispatches meet, or only those of a durable store.</summary>
    private sealed class Setbacks
    {
        public HashSet<AgentSlot>? RefusedBy { get; set; }

        public int RefusedUnder { get; set; }

        public PolicyViolationException? LastRefusal { get; set; }

        public AgentSlot? Avoid { get; set; }

        public AgentSlot? Left { get; set; }

        public AgentSlot? Kept { get; set; }

        public List<string>? Earlier { get; set; }

        public TaskError? LastError { get; set; }

        public TimeSpan? AvoidFor { get; set; }

        public long AvoidSince { get; set; }

        public TimeSpan WaitedBefore { get; set; }

        public long? WaitsSince { get; set; }

        public long? LastBegunAt { get; set; }

        public PassingDenial? Passing { get; set; }

        public long? MissedAt { get; set; }

        public PolicyViolationException? WaitedFor { get; set; }

        public bool HasTurn { get; set; }

        public bool HasLookedAgain { get; set; }

        public DenialKind.Name? ScoutFor { get; set; }

        public long? NumberInGate { get; set; }

        public ErrorRecord? DeadLetter { get; set; }

        public IBeginning? Beginning { get; set; }
    }
}
