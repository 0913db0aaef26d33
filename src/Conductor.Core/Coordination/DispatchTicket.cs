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
