using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Conductor.Coordination;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.Workflows;

/// <summary>What the runs of one engine share. Thread-safe.</summary>
internal sealed class WorkflowServices(
    AgentCoordinator coordinator, StateManager state, PolicyEngine policies, WorkflowOptions options, ConductorEnvironment environment)
{
    /// <summary>How long a suspect waits until it is alone, and how long the tasks of all runs wait at most while it is.</summary>
    private static readonly TimeSpan _solitude = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<AgentType, Pace> _paces = new();
    private SpareTasks? _spareTasks;
    private bool _handsOver;
    private Briefness _ends;

    /// <summary>Cancelled when the engine's stop begins.</summary>
    public CancellationToken Stopping { get; init; }

    /// <summary>
    /// Whether tokens are cancelled by a stop: the host has announced one, and ends its services; or the engine's own waits for tasks no longer, and
    /// cancels them. That is nobody's wish to end what they await.
    /// </summary>
    public bool HandsOver { get => Volatile.Read(ref _handsOver); set => Volatile.Write(ref _handsOver, value); }

    public AgentCoordinator Coordinator { get; } = coordinator;

    public StateManager State { get; } = state;

    public PolicyEngine Policies { get; } = policies;

    public WorkflowOptions Options { get; } = options;

    public ConductorEnvironment Environment { get; } = environment;

    public MessageBus Bus { get; } = coordinator.Bus;

    public TimeProvider Time { get; } = environment.TimeProvider;

    public ILogger Logger { get; } = environment.LoggerFactory.CreateLogger<WorkflowEngine>();

    public ConductorInstruments Instruments { get; } = environment.Instruments;

    /// <summary>What the store has of runs, for whoever goes on with one.</summary>
    public RunReader Reader { get; } =
        new(state, options.LeaseDuration, environment.TimeProvider, environment.LoggerFactory.CreateLogger<WorkflowEngine>());

    /// <summary>Where every task of every run passes.</summary>
    public Turnstile Turnstile { get; } = 
        new(coordinator.QueueCapacity, () => coordinator.AgentCount, coordinator.AgentCountOf, _solitude, environment.TimeProvider);

    /// <summary>How long a suspect is alone: not for so long that it has no time left, should it wait for what waits for it.</summary>
    public TimeSpan SolitudeOf(TaskDefinition suspect) =>
        (suspect.OwnTimeout ?? Policies.DefaultTimeout) / 4 is var quarter && quarter < _solitude ? quarter : _solitude;

    /// <summary>How long a commit of a run takes.</summary>
    public Pace Commits { get; } = new(mostAtFirst: TimeSpan.FromMilliseconds(50));

    /// <summary>How long a task of a type takes.</summary>
    public Pace PaceOf(AgentType type) => _paces.GetOrAdd(type, static _ => new Pace());

    /// <summary>Whether the last turn of a run's loop was brief: one in memory is, and so is beginning one on a disk; a gate or a report may not be.</summary>
    public StrongBox<bool> StepsAreBrief { get; } = new(true);

    /// <summary>Whether what whoever waits for a run does when it is over is expected to be brief.</summary>
    public bool EndsAreBrief => _ends.IsBrief;

    /// <summary>Fences of runs that this engine could not go on with although it lives: what was under way then is no crash.</summary>
    public ConcurrentDictionary<string, long> LostFences { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Since when runs wait here for somebody who has agents for them, of which none has begun. Not since they were started: nobody may have been there, and
    /// those who have the agents may be about to come, like this process.
    /// </summary>
    public ConcurrentDictionary<string, long> LeftSince { get; } = new(StringComparer.Ordinal);

    /// <summary>Runs that are between two definitions here: nothing else may take them up.</summary>
    public ConcurrentDictionary<string, bool> Migrating { get; } = new(StringComparer.Ordinal);

    /// <summary>The runs of this engine.</summary>
    public ConcurrentDictionary<string, WorkflowRunner> Runners { get; } = new(StringComparer.Ordinal);

    /// <summary>Runs that are about to be among these.</summary>
    public LaunchingRuns Launching { get; } = new();

    /// <summary>Who is told how far runs are, beside those that these were started with.</summary>
    public ProgressListeners Listeners { get; } = new();

    /// <summary>What runs a run in this engine, or is about to: whoever stored a wish finds it here, or the wish was found in the store.</summary>
    public WorkflowRunner? FindRunner(string runId) => Launching.Find(runId) ?? Runners.GetValueOrDefault(runId);

    /// <summary>Whether this engine itself had lost a run, before it took this lease and nobody else had one in between.</summary>
    public bool HadLost(string runId, Lease lease) => LostFences.TryGetValue(runId, out var lostFence) && lostFence + 1 == lease.Fence;

    /// <summary>Whether a run has used up the time that its definition gives it.</summary>
    public bool IsOutOfTime(WorkflowDefinition definition, DateTimeOffset startedAt) =>
        definition.Timeout is { } limit && Time.GetUtcNow() - startedAt >= limit;

    /// <summary>Gives a lease back that is needed no more. Never throws.</summary>
    public async ValueTask ReleaseAsync(Lease lease)
    {
        try
        {
            await InTimeAsync(lease, State.Leases.ReleaseAsync(lease, CancellationToken.None)).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // It runs out by itself.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ReleaseFailed(Logger, exception, lease.Name);
        }
    }

    private ValueTask<bool> InTimeAsync(Lease lease, ValueTask<bool> released) => released.IsCompleted ? released : WaitForAsync(lease, released);

    private ValueTask<bool> WaitForAsync(Lease lease, ValueTask<bool> released) => released.InTimeAsync(
        Options.LeaseDuration / 3,
        Time,
        $"the lease '{lease.Name}' was to be given back.",
        lease.Name,
        exception => Log.ReleaseFailed(Logger, exception, lease.Name),
        CancellationToken.None);

    /// <summary>Notes how long whoever waited for a run held the thread. (Of two at once the later counts.)</summary>
    public void NoteEnd(TimeSpan time) => _ends.Note(time < Lane.Slice);

    /// <summary>What a run that is over left, if no other run has it.</summary>
    public SpareTasks TakeSpareTasks() => Interlocked.Exchange(ref _spareTasks, null) ?? new SpareTasks();

    public void LeaveSpareTasks(SpareTasks tasks) => Volatile.Write(ref _spareTasks, tasks);

    /// <summary>A run goes on here no longer.</summary>
    public void Forget(WorkflowRunner runner) => Runners.TryRemove(new KeyValuePair<string, WorkflowRunner>(runner.RunId, runner));
}
