using System.Diagnostics.CodeAnalysis;
using Conductor.Coordination;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Threading;

namespace Conductor.Workflows;

/// <summary>
/// Takes one run from phase to phase: one loop that starts tasks, takes their results and commits each step before anything depends on it.
/// Everything here belongs to the loop, except what is marked thread-safe.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The token source belongs to what runs leave to each other.")]
internal sealed partial class WorkflowRunner : IDispatchOwner
{
    /// <summary>Tasks of one moment for which there is room from the start; more make room as they come.</summary>
    private const int FewTasks = 16;

    private readonly WorkflowServices _services;
    private readonly WorkflowPlan _plan;
    private readonly WorkflowRunOptions _options;
    private readonly RunBoard _board;
    private readonly RunJournal _journal;
    private readonly ReadyTasks _ready;
    private readonly FeedbackLoop _feedbackLoop;
    private readonly FinishedTasks _finished;
    private readonly SpareTasks _spare;
    private readonly CancellationTokenSource _taskCancellation;
    private int _stopCause;
    private bool _hasMoreAgents;
    private bool _isResumed;
    private CancellationTokenSource? _untilStopped;
    private WorkflowSummary _summary;
    private PhaseRecord? _phaseRecord;
    private IReadOnlyList<Feedback> _findings = [];
    private Exception? _lossReason;
    private Exception? _notHeldBecause;

    public WorkflowRunner(WorkflowServices services, WorkflowPlan plan, string runId, WorkflowRunOptions options, HeldLease lease)
    {
        _services = services;
        _plan = plan;
        _options = options;
        Lease = lease;
        RunId = runId;
        _channel = Channels.Workflow(runId);
        _finished = new FinishedTasks(services.StepsAreBrief);
        _spare = services.TakeSpareTasks();
        _taskCancellation = _spare.Cancellation;
        _board = new RunBoard(plan);
        _started = new List<int>(Math.Min(plan.TaskCount, FewTasks));
        _journal = new RunJournal(services.State, services.Time, runId, plan.Definition);
        _ready = new ReadyTasks(plan, services.Options.TaskWindow, services.Turnstile);
        _feedbackLoop = new FeedbackLoop(plan, services.Options);
        _summary = new WorkflowSummary
        {
            WorkflowId = runId,
            DefinitionName = plan.Definition.Name,
            DefinitionVersion = plan.Definition.Version,
            DefinitionHash = plan.Hash,
            Status = WorkflowStatus.InProgress,
            TaskCount = plan.TaskCount,
            StartedAt = services.Time.GetUtcNow(),
            Metadata = options.Metadata ?? Snapshot.EmptyMap,
        };
    }

    public string RunId { get; }

    /// <summary>The lease under which it is run. Thread-safe.</summary>
    public HeldLease Lease { get; }

    /// <summary>Beats after each commit. Thread-safe.</summary>
    public Pulse Committed { get; } = new();

    /// <inheritdoc />
    /// <remarks>Also in the moment before the engine's stop has told it.</remarks>
    bool IDispatchOwner.IsStopping => StopCause >= StopCause.Draining || _services.Stopping.IsCancellationRequested;

    /// <inheritdoc />
    HeldLease? IDispatchOwner.Lease => _services.Options.IgnoresLeases ? null : Lease;

    private StopCause StopCause => (StopCause)Volatile.Read(ref _stopCause);

    /// <summary>Commits the run's existence, and the start of its first tasks: from here on it is found by its id.</summary>
    /// <param name="forOthers">Whether nothing of it is run here: it is handed over to whoever has agents of its types.</param>
    public async ValueTask CreateAsync(bool forOthers)
    {
        Note(WorkflowEventKind.WorkflowStarted, _plan.Title, WorkflowStatus.InProgress);
        Announce(_channel);
        if (forOthers)
        {
            NoteHandedOver();
        }
        else if (_plan.PhaseCount > 0)
        {
            EnterPhase(_firstPhase);
            StartReady();
            _isEntered = true;
        }

        await CommitAsync(_plan.Definition).ConfigureAwait(false);
        Log.Started(_services.Logger, RunId, _plan.Definition.Name, _plan.TaskCount);
    }

    /// <summary>Asks the run to stop. Thread-safe.</summary>
    public void Stop(StopCause cause)
    {
        int known;
        do
        {
            known = Volatile.Read(ref _stopCause);
            if (!Outranks(cause, (StopCause)known))
            {
                return;
            }
        }
        while (Interlocked.CompareExchange(ref _stopCause, (int)cause, known) != known);

        _ = Volatile.Read(ref _untilStopped)?.CancelQuietlyAsync(CallbackFailed);
        if (cause != StopCause.Draining)
        {
            _ = _taskCancellation.CancelQuietlyAsync(CallbackFailed);
        }

        _finished.Nudge();
    }

    /// <summary>There are more agents than there were: more tasks may be handed over. Thread-safe.</summary>
    public void NoteMoreAgents()
    {
        Volatile.Write(ref _hasMoreAgents, true);
        _finished.Nudge();
    }

    /// <summary>The lease is lost, or cannot be held any longer. Thread-safe.</summary>
    /// <param name="reason">What kept this process from holding it; null when another has it, or the run was deleted.</param>
    public void StopLost(Exception? reason)
    {
        Interlocked.CompareExchange(ref _notHeldBecause, reason, null);
        Stop(StopCause.Lost);
    }

    private void CallbackFailed(Exception exception) => Log.CallbackFailed(_services.Logger, exception, RunId);

    /// <summary>Ended by any stop, a drain too: for waits of what has not begun.</summary>
    private CancellationToken UntilStopped()
    {
        if (_untilStopped is null)
        {
#pragma warning disable CA2000 // It has no timer and links to nothing: there is nothing in it to dispose, and Stop may come at any time.
            Interlocked.Exchange(ref _untilStopped, new CancellationTokenSource());
#pragma warning restore CA2000
        }

        return StopCause == StopCause.None ? _untilStopped.Token : new CancellationToken(canceled: true);
    }

    /// <summary>A run that ends already is not handed over; one that drains can still be cancelled; a lost one is lost.</summary>
    private static bool Outranks(StopCause cause, StopCause known) => known switch
    {
        StopCause.None => true,
        StopCause.Draining => cause != StopCause.Draining,
        StopCause.Lost or StopCause.Over => false,
        _ => cause == StopCause.Lost,
    };

    /// <summary>Runs to the end, whatever that is. Never throws.</summary>
    public async Task RunAsync()
    {
        // What gates, policies and listeners to progress await goes on on the pool, and not where whoever starts the run has to. (Until this returns for
        // the first time: an async method gives its caller back what it had.)
        SynchronizationContext.SetSynchronizationContext(null);

        // Nobody told it before it was known to run.
        Volatile.Write(ref _hasMoreAgents, true);
        try
        {
            var startedAt = _services.Time.GetTimestamp();
            using var span = WorkflowTracing.Start(_services.Environment, _plan.Definition, RunId);
            _services.Instruments.ActiveWorkflows.Record(1);
            try
            {
                using var timeout = ArmTimeout();
                await RunPhasesAsync().ConfigureAwait(false);
            }
#pragma warning disable CA1031 // Whatever it is, it ends the run and reaches whoever waits for it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Lose(exception);
            }

            await WaitForTasksAsync().ConfigureAwait(false);
            _services.Instruments.ActiveWorkflows.Record(-1);
            var elapsed = _services.Time.GetElapsedTime(startedAt);
            var whole = _isResumed ? WorkflowState.Between(_summary.StartedAt, _summary.CompletedAt) : null;
            WorkflowTracing.Finish(span.Activity, _services, _summary, whole ?? elapsed);
        }
#pragma warning disable CA1031 // Whoever waits must not wait for ever.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            // Not the run failed, whose exceptions are dealt with by now, but a listener of traces or metrics.
            Log.ListenerFailed(_services.Logger, exception, RunId);
            if (!_summary.IsComplete)
            {
                Lose(exception);
            }
        }

        await CompleteAsync().ConfigureAwait(false);
    }

    private void Fail(string code, string message)
    {
        var error = new TaskError { Code = code, Message = message };
        _summary = _summary with { Error = error };
        LogError(error, FeedbackSeverity.Error, taskId: null);
        Log.Failed(_services.Logger, RunId, code, message);
    }

    private void Warn(string code, string message)
    {
        LogError(new TaskError { Code = code, Message = message }, FeedbackSeverity.Warning, taskId: null);
        Note(WorkflowEventKind.Warning, message);
        Log.Warning(_services.Logger, RunId, message);
    }

    private void LogError(TaskError error, FeedbackSeverity severity, string? taskId) => _journal.Add(new WorkflowLogEntry
    {
        Timestamp = _services.Time.GetUtcNow(),
        Severity = severity,
        Error = error,
        TaskId = taskId,
        Phase = _summary.CurrentPhase,
        Round = _summary.Round,
    });

    private void Note(WorkflowEventKind kind, string? message = null, WorkflowStatus? status = null, TaskError? error = null) =>
        _journal.Add(kind, _summary.CurrentPhase, _summary.Round, message, status, error);
}
