namespace Conductor.Workflows;

/// <summary>Settings of one run.</summary>
public sealed class WorkflowRunOptions
{
    /// <summary>
    /// The run's id. Starting an id that exists gives the run that exists, with the inputs, names and descriptions of tasks, retry and breaker settings
    /// and metadata it was started with. All else makes another definition: name, version and phases, the tasks and their order, with the agent type, phase,
    /// priority, dependencies, timeout (one that is not set is as good as the default of 2 minutes), deadline, optionality and idempotency key of each, the
    /// feedback rule, and the timeout of the run. Give work on other inputs another id.
    /// </summary>
    /// <value>Default: null, a new one.</value>
    public string? RunId { get; set; }

    /// <summary>
    /// Decides how a run of this id that is in progress with another definition goes on: gives the definition to go on with, usually the new
    /// one. Finished tasks keep their results; those the new definition does not have are left out, and count again with a later one that has them, unless
    /// feedback sent them back meanwhile: then they run again. It must not change anything itself.
    /// </summary>
    /// <remarks>
    /// A run that is over stays as it ended, with the definition it ended with, and is given so; the function is not asked. So the same lines start a run
    /// in every life of a program, also after a deployment that follows its end. Give what is to run anew another id.
    /// A run of this engine is first drained: its tasks that run end, which takes them as long as it does, and the others are not begun. So a task
    /// cannot migrate its own run, whose end it would wait for: it is refused (STATE_CONFLICT) where it gives the token it was given to
    /// <see cref="WorkflowEngine.StartWorkflowAsync"/>. Without that it waits until its own time limit (event 1427 says so), as does one that
    /// awaits another who asks.
    /// </remarks>
    /// <value>Default: null, the start is refused with what is different.</value>
    public Func<WorkflowMigration, WorkflowDefinition>? Migrate { get; set; }

    /// <summary>
    /// Told how far the run is, after each step that this engine takes with it. Whoever starts an id that exists is told, too, beside others, from the
    /// next step on: so the same lines report in every life of a process. For a run that another engine runs see <see cref="WorkflowRun.WatchAsync"/>.
    /// </summary>
    /// <remarks>
    /// Told by the run itself, which goes on when <see cref="IProgress{T}.Report"/> has returned: one that takes its time holds up the run, and one that waits
    /// for an agent may wait for what the run gives it to next. <see cref="Progress{T}"/> returns at once. What it throws is logged and fails nothing.
    /// </remarks>
    /// <value>Default: null, nobody.</value>
    public IProgress<WorkflowProgress>? Progress { get; set; }

    /// <summary>Notes on the run.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyDictionary<string, string>? Metadata { get; set; }

    /// <summary>As they are now: whoever made them may use them for another run.</summary>
    internal WorkflowRunOptions Clone() => (WorkflowRunOptions)MemberwiseClone();
}
