using Conductor.State;

namespace Conductor.Testing;

/// <content>What could not be given back as it was is refused: nameless types and phases, and values that an enumeration does not have.</content>
public sealed partial class StateManagerConformance
{
    private static readonly WorkflowStatus _noStatus = (WorkflowStatus)77;
    private static readonly AgentTaskStatus _noTaskStatus = (AgentTaskStatus)77;
    private static readonly FeedbackSeverity _noSeverity = (FeedbackSeverity)77;

    private void AddNamelessCases()
    {
        Add("A run's state with a nameless phase or an undefined value is refused, and nothing is saved", async store =>
        {
            var version = await store.SaveWorkflowStateAsync(State()).ConfigureAwait(false);
            var good = State() with { StoreVersion = version };
            var error = new TaskError { Code = "CODE", Message = "message" };
            var results = new Dictionary<string, TaskResult>(StringComparer.Ordinal) { ["t1"] = Result("t1", "run") with { Status = _noTaskStatus } };
            WorkflowState[] refused =
            [
                good with { CurrentPhase = default(WorkflowPhase) },
                good with { Status = _noStatus },
                good with { PhaseHistory = [new PhaseRecord { Phase = default }] },
                good with { PhaseHistory = [new PhaseRecord { Phase = WorkflowPhase.Development, Outcome = (PhaseOutcome)77 }] },
                good with { FeedbackRounds = [new FeedbackRound { Round = 1, From = WorkflowPhase.Monitoring, To = default }] },
                good with { ErrorLog = [new WorkflowLogEntry { Timestamp = Start, Error = error, Severity = _noSeverity }] },
                good with { TaskResults = results },
            ];
            foreach (var state in refused)
            {
                await RefusedAsync(() => store.SaveWorkflowStateAsync(state).AsTask()).ConfigureAwait(false);
            }

            Same(good, await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the run's state");
        });
        Add("A step with a nameless type or phase, or an undefined value, is refused, and nothing is saved", async store =>
        {
            var version = await store.SaveWorkflowStateAsync(State()).ConfigureAwait(false);
            WorkflowTransition[] refused =
            [
                Step(version, Summary() with { CurrentPhase = default(WorkflowPhase) }),
                Step(version, Summary() with { Status = _noStatus }),
                Step(version) with { Phases = [new PhaseRecord { Phase = default }] },
                Step(version) with { Results = [Result("t2", "run") with { Status = _noTaskStatus }] },
                Step(version) with { Results = [Result("t2", "run") with { Feedback = new Feedback { Severity = _noSeverity } }] },
                Step(version) with { Events = [Event(1) with { TaskStatus = _noTaskStatus }] },
                Step(version) with { Definition = new WorkflowDefinition { Name = "w", Tasks = [new TaskDefinition { Id = "t", AgentType = default }] } },
                Step(version) with { Definition = new WorkflowDefinition { Name = "w", Phases = [default] } },
            ];
            foreach (var step in refused)
            {
                await RefusedAsync(() => store.CommitWorkflowAsync(step).AsTask()).ConfigureAwait(false);
            }

            Same(State() with { StoreVersion = version }, await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the run's state");
        });
        Add("A result of an undefined status is refused, and cannot be saved", async store =>
        {
            var result = Result("t1") with { Status = _noTaskStatus };
            await RefusedAsync(() => store.SaveTaskResultAsync(result).AsTask()).ConfigureAwait(false);
            await RefusedAsync(() =>
            {
                store.EnsureCanSave(result);
                return Task.CompletedTask;
            }).ConfigureAwait(false);
            Check.Null(await store.GetTaskResultAsync("t1").ConfigureAwait(false), "the result");
        });
        Add("A dead letter whose task names no type or a nameless phase is refused", async store =>
        {
            foreach (var task in new[] { new TaskDefinition { AgentType = default },
                new TaskDefinition { AgentType = AgentType.Coding, Phase = default(WorkflowPhase) } })
            {
                var letter = new ErrorRecord { Id = "letter", Code = "CODE", Message = "message", Timestamp = Start, Task = task };
                await RefusedAsync(() => store.SaveDeadLetterAsync(letter).AsTask()).ConfigureAwait(false);
            }

            Check.Null(await store.GetDeadLetterAsync("letter").ConfigureAwait(false), "the dead letter");
        });
    }

    private static Task<ConductorException> RefusedAsync(Func<Task> save) => Check.FailsAsync(ErrorCodes.TaskValidationFailed, save, "the save");
}
