using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Conductor.Diagnostics;
using Conductor.State;
using Microsoft.Extensions.Logging;

namespace Conductor.Workflows;

/// <summary>
/// Takes one run from phase to phase: one loop that starts tasks, takes their results and commits each step before anything depends on it.
/// Everything here belongs to the loop, except what is marked thread-safe.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "CompleteAsync disposes it: the runner ends once, with its run.")]
internal sealed partial class WorkflowRunner
{
    private readonly WorkflowServices _services;
    private readonly WorkflowPlan _plan;
    private readonly WorkflowRunOptions _options;
    private readonly RunBoard _board;
    private readonly RunJournal _journal;
    private readonly ReadyTasks _ready;
    private readonly FeedbackLoop _feedbackLoop;
    private readonly CancellationTokenSource _taskCancellation = new();
    private readonly FinishedTasks _finished = new();
    private readonly SpareTasks _spare;

    /// <summary>Tasks that were started and not begun.</summary>
    private readonly List<int> _started = [];
    private readonly TaskCompletionSource<WorkflowState> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<ValueTask> _ensureMayBegin;
    private int _stopCause;
    private WorkflowSummary _summary;
    private PhaseRecord? _phaseRecord;
    private IReadOnlyList<Feedback> _findings = [];
    private Exception? _lossReason;

    public WorkflowRunner(WorkflowServices services, WorkflowPlan plan, string runId, WorkflowRunOptions options, HeldLease lease)
    {
        _services = services;
        _ensureMayBegin = EnsureMayBeginAsync;
        _plan = plan;
        _options = options;
        Lease = lease;
        RunId = runId;
        _spare = services.TakeSpareTasks();
        _board = new RunBoard(plan);
        _journal = new RunJournal(services.State, services.Time, runId, plan.Definition);
        _ready = new ReadyTasks(plan, services.Options.TaskWindow);
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

    /// <summary>The final state; fails when the run was lost or handed over. Thread-safe.</summary>
    public Task<WorkflowState> Completion => _completion.Task;

    /// <summary>Beats after each commit. Thread-safe.</summary>
    public Pulse Committed { get; } = new();

    private StopCause StopCause => (StopCause)Volatile.Read(ref _stopCause);

    /// <summary>Commits the run's existence: from here on it is found by its id.</summary>
    public async ValueTask CreateAsync()
    {
        Note(WorkflowEventKind.WorkflowStarted, _plan.Title, WorkflowStatus.InProgress);
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

        if (cause != StopCause.Draining)
        {
            _ = _taskCancellation.CancelAsync();
        }

        _finished.Nudge();
    }

    /// <summary>A run that ends already is not handed over; one that drains can still be cancelled; a lost one is lost.</summary>
    private static bool Outranks(StopCause cause, StopCause known) => known switch
    {
        StopCause.None => true,
        StopCause.Draining => cause != StopCause.Draining,
        StopCause.Lost => false,
        _ => cause == StopCause.Lost,
    };

    /// <summary>Runs to the end, whatever that is. Never throws.</summary>
    public async Task RunAsync()
    {
        var startedAt = _services.Time.GetTimestamp();
        using var activity = WorkflowTracing.Start(_plan.Definition, RunId);
        _services.Instruments.ActiveWorkflows.Add(1);
        using var timeout = ArmTimeout();
        try
        {
            await AnnounceAsync(phase: null).ConfigureAwait(false);
            await RunPhasesAsync().ConfigureAwait(false);
        }
        catch (StateException exception)
        {
            Lose(exception);
        }
#pragma warning disable CA1031 // Whatever it is, it ends the run and reaches whoever waits for it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Lose(exception);
        }

        await WaitForTasksAsync().ConfigureAwait(false);
        _services.Instruments.ActiveWorkflows.Add(-1);
        WorkflowTracing.Finish(activity, _services, _summary, _services.Time.GetElapsedTime(startedAt));
        await CompleteAsync().ConfigureAwait(false);
    }

    private async ValueTask RunPhasesAsync()
    {
        for (var phase = _firstPhase; phase < _plan.PhaseCount;)
        {
            await BeginPhaseAsync(phase).ConfigureAwait(false);
            await ExecutePhaseAsync(phase).ConfigureAwait(false);
            if (StopCause != StopCause.None)
            {
                await StopEarlyAsync(phase).ConfigureAwait(false);
                return;
            }

            if (!await CheckPhaseGateAsync(phase).ConfigureAwait(false))
            {
                return;
            }

            if (HandleFeedback(phase) is not { } next)
            {
                await EndAsync(WorkflowStatus.Failed).ConfigureAwait(false);
                return;
            }

            phase = next;
        }

        await EndAsync(WorkflowStatus.Completed).ConfigureAwait(false);
    }

    private async ValueTask BeginPhaseAsync(int phase)
    {
        if (_phaseRecord is { CompletedAt: null } open && open.Phase == _plan.Phase(phase))
        {
            // Begun by an owner before.
            return;
        }

        _summary = _summary with { CurrentPhase = _plan.Phase(phase) };
        _phaseRecord = new PhaseRecord { Phase = _plan.Phase(phase), Round = _summary.Round, StartedAt = _services.Time.GetUtcNow() };
        _journal.Add(_phaseRecord);
        Note(WorkflowEventKind.PhaseStarted);
        await AnnounceAsync(_plan.Phase(phase)).ConfigureAwait(false);
    }

    /// <summary>Runs the tasks of a phase, concurrently as far as dependencies, priority, policies and agents allow.</summary>
    private async ValueTask ExecutePhaseAsync(int phase)
    {
        foreach (var index in _board.Enter(phase))
        {
            MakeReady(index);
        }

        while (StopCause == StopCause.None)
        {
            while (_ready.TryTake(out var index))
            {
                if (IsSuspect(index))
                {
                    _suspects.Enqueue(index);
                }
                else
                {
                    Start(index);
                }
            }

            await StartSuspectAsync().ConfigureAwait(false);

            // Results and starts of one turn are one step: committed before anything of it is visible or begun.
            try
            {
                await CommitChangesAsync().ConfigureAwait(false);
            }
            catch
            {
                // Never begun: nobody must wait for them.
                _started.ForEach(NotBegun);
                throw;
            }

            foreach (var index in _started)
            {
                Run(index);
            }

            _started.Clear();
            if (_board.InFlightCount == 0)
            {
                return;
            }

            await _finished.WaitAsync().ConfigureAwait(false);
            TakeFinished();
        }
    }

    private void Start(int index)
    {
        _board.Start(index);
        _journal.AddStarted(index, _summary.CurrentPhase, _summary.Round);
        _started.Add(index);
    }

    private void TakeFinished()
    {
        for (var task = _finished.TakeAll(); task is not null;)
        {
            var next = task.Next;
            _ready.Finished(task.Index);
            if (task.Result is { } result)
            {
                Finish(task.Index, result);
            }
            else
            {
                _board.Abandon(task.Index);
            }

            _spare.Add(task);
            task = next;
        }
    }

    /// <summary>Hands a task over when everything before it is done, or ends it as blocked when something before it failed.</summary>
    private void MakeReady(int index)
    {
        if (_board.Blocker(index) is not { } blocker)
        {
            _ready.Add(index);
            return;
        }

        Finish(index, NotRun(index, AgentTaskStatus.Blocked, new TaskError
        {
            Code = ErrorCodes.DependencyFailed,
            Message = $"Task '{_plan.Task(index).Id}' was not run: '{blocker.Id}', which it depends on, failed.",
        }));
    }

    private void Finish(int index, TaskResult result)
    {
        var freed = _board.Finish(index, result);
        _journal.AddFinished(index, result, _summary.CurrentPhase, _summary.Round);
        if (result.Error is { } error)
        {
            LogError(error, result.Status == AgentTaskStatus.Skipped ? FeedbackSeverity.Warning : FeedbackSeverity.Error, _plan.Task(index).Id);
        }

        foreach (var next in freed)
        {
            MakeReady(next);
        }
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
