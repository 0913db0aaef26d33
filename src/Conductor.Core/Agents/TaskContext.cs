using System.Diagnostics;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.State;
using Microsoft.Extensions.Logging;

namespace Conductor.Agents;

/// <summary>One attempt at a task, as the agent sees it: the task, what surrounds it, and what the agent can do about it.</summary>
/// <remarks>
/// Belongs to one attempt. <see cref="ReportProgress"/> and <c>OnceAsync</c> are thread-safe; the rest is for the agent's own flow. What is sent
/// back, noted or failed after the agent's code has returned (from work that it did not await) is logged and dropped: the result is made by then.
/// </remarks>
public sealed partial class TaskContext
{
    private readonly TaskAssignment _assignment;
    private readonly long _startedAt;

    /// <summary>Makes a context by hand, to call <see cref="BaseAgent.ExecuteTaskAsync"/> in a test of one agent.</summary>
    /// <param name="assignment">The task and everything around it.</param>
    public TaskContext(TaskAssignment assignment)
        : this(assignment, number: 0, AgentHost.Detached.Environment.TimeProvider.GetTimestamp(), mailbox: null, request: null)
    {
    }

    internal TaskContext(TaskAssignment assignment, long number, long startedAt, AgentMailbox? mailbox, AgentMessage? request)
    {
        ArgumentNullException.ThrowIfNull(assignment);
        _assignment = assignment;
        _mailbox = mailbox;
        _startedAt = startedAt;
        Number = number;
        BegunIn = ConductorTelemetry.IsTracing ? Activity.Current : null;
        if (request is not null)
        {
            _extras = new Extras { Request = request };
        }
    }

    /// <summary>The task.</summary>
    public TaskDefinition Task => _assignment.Task;

    /// <summary>The task's input.</summary>
    public TaskData Input => _assignment.Task.Input;

    /// <summary>The run it belongs to, if any.</summary>
    public string? WorkflowId => _assignment.WorkflowId;

    /// <summary>The phase of the run, if any.</summary>
    public WorkflowPhase? Phase => _assignment.Phase;

    /// <summary>The feedback round; 0 is the first run through.</summary>
    public int Round => _assignment.Round;

    /// <summary>The attempt; the first is 1.</summary>
    public int Attempt => _assignment.Attempt;

    /// <summary>
    /// The delivery; the first is 1. It is greater when a process died while it ran the task: what that one did outside may be done already.
    /// Crashes are counted apart from attempts.
    /// </summary>
    public int Delivery => _assignment.Delivery;

    /// <summary>The recorded effects of the store, for overloads of <c>OnceAsync</c> that a store adds; null in a context made by hand.</summary>
    public EffectStore? Effects => Host.State?.Effects;

    /// <summary>The key to give to outside systems: the same over retries, redelivery and resume, another in each feedback round.</summary>
    public string IdempotencyKey => _assignment.IdempotencyKey;

    /// <summary>The findings that sent the run back, in a round after the first.</summary>
    public IReadOnlyList<Feedback> Feedback => _assignment.Feedback;

    /// <summary>The dead letter that this is a replay of, if any.</summary>
    public string? ReplayOf => _assignment.ReplayOf;

    /// <summary>The outputs of the tasks it depends on, by task id. A skipped one has none; nor has, in a replay, one whose result is no longer kept.</summary>
    public IReadOnlyDictionary<string, TaskData> Outputs => _assignment.DependencyOutputs;

    /// <summary>The id of the agent. Empty in a context made by hand, until an agent that has an identity runs it.</summary>
    public string AgentId => KnownAgentId ?? string.Empty;

    /// <summary>The clock to wait and measure by.</summary>
    public TimeProvider TimeProvider => Host.Environment.TimeProvider;

    /// <summary>The services of this task's own dependency-injection scope, which ends with the task.</summary>
    /// <exception cref="InvalidOperationException">
    /// There are none: this context was made by hand, or the coordinator was built by hand, not by <c>AddConductor()</c>.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The agent's code has returned, and the scope has ended with the attempt.</exception>
    public IServiceProvider Services => ScopeOfServices().ServiceProvider;

    internal ConductorEnvironment Environment => Host.Environment;

    internal ILogger Logger => Host.Logger;

    internal TimeSpan GracePeriod => Host.GracePeriod;

    private AgentHost Host => _mailbox?.Host ?? AgentHost.Detached;

    /// <summary>The output of a task it depends on.</summary>
    /// <typeparam name="T">The output's type.</typeparam>
    /// <param name="taskId">The other task's id.</param>
    /// <exception cref="TaskValidationException">
    /// It does not depend on that task, that task was skipped or gave out nothing (or null), its output is of another type, or this is a replay and the
    /// output is no longer kept. Where null may come, ask <see cref="HasOutput"/> first.
    /// </exception>
    public T Output<T>(string taskId) => Outputs.TryGetValue(taskId, out var output)
        ? output.Get<T>()
        : throw new TaskValidationException($"Task '{Task.Id}' has no output of '{taskId}'. {WhyNoOutput(taskId)}");

    /// <summary>Whether a task it depends on gave out something.</summary>
    /// <param name="taskId">The other task's id.</param>
    public bool HasOutput(string taskId) => Outputs.TryGetValue(taskId, out var output) && !output.IsEmpty;

    /// <summary>
    /// Tells whoever follows how far the task is. May be lost; never fails. While the bus has not taken one report, of those that come the newest waits.
    /// </summary>
    /// <param name="percent">0 to 100; what lies outside is brought in, and what is no number is 0.</param>
    /// <param name="text">A text for people.</param>
    public void ReportProgress(double percent, string? text = null)
    {
        if (Host.Bus is { IsConnected: true } bus && InTime(nameof(ReportProgress)) is { } extras)
        {
            extras.ProgressOver(bus, this).Tell(double.IsNaN(percent) ? 0 : Math.Clamp(percent, 0, 100), text);
        }
    }

    /// <summary>Sends findings back with the result: at or above the severity of the workflow's feedback rule they send the run back.</summary>
    /// <param name="severity">How grave it is.</param>
    /// <param name="finding">What was found.</param>
    /// <param name="affected">Ids of the tasks it concerns. Default: the whole phase.</param>
    /// <exception cref="ArgumentException">The severity is none of <see cref="FeedbackSeverity"/>, or the finding is blank.</exception>
    public void SendBack(FeedbackSeverity severity, string finding, params string[] affected)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(finding);
        SettingProblems.ThrowIfAny(SettingProblems.OfEnum(nameof(severity), severity), nameof(severity));
        SendBack(new Feedback { Severity = severity, Findings = [finding], AffectedTaskIds = affected });
    }

    /// <summary>Sends findings back with the result. Several are joined; the gravest severity counts.</summary>
    /// <param name="feedback">The findings.</param>
    /// <exception cref="ArgumentException">The severity is none of <see cref="FeedbackSeverity"/>.</exception>
    public void SendBack(Feedback feedback)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        SettingProblems.ThrowIfAny(SettingProblems.OfEnum($"{nameof(Feedback)}.{nameof(Conductor.Feedback.Severity)}", feedback.Severity), nameof(feedback));
        if (InTime(nameof(SendBack)) is { } extras)
        {
            var source = feedback with { SourceAgentId = feedback.SourceAgentId ?? KnownAgentId };
            extras.Feedback = extras.Feedback is { } earlier ? Join(earlier, source) : source;
        }
    }

    /// <summary>Makes the result of this attempt FAILED without an exception; it counts like one.</summary>
    /// <param name="code">One of <see cref="ErrorCodes"/>, or your own.</param>
    /// <param name="message">What happened.</param>
    /// <param name="isTransient">Whether trying again may help. Default: null, the code decides.</param>
    public void Fail(string code, string message, bool? isTransient = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(code);
        if (InTime(nameof(Fail)) is { } extras)
        {
            extras.Failure = new TaskError { Code = code, Message = message, IsTransient = isTransient };
        }
    }

    /// <summary>Adds a note to the result.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="value">Its text.</param>
    public void SetMetadata(string key, string value)
    {
        if (InTime(nameof(SetMetadata)) is { } extras)
        {
            extras.Note(key, value);
        }
    }

    /// <summary>
    /// Sends data to another agent; it gets it by <c>OnMessageAsync</c>. Best effort, at most once: an agent that is made anew for each task
    /// (<see cref="DependencyInjection.AgentLifetime.PerTask"/>) gets it while it runs one, and otherwise it is logged and dropped.
    /// </summary>
    /// <param name="agentId">The other agent.</param>
    /// <param name="data">The data.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask SendAsync(string agentId, TaskData data, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(agentId);
        if (Host.Bus is { } bus)
        {
            await bus.PublishAsync(
                Channels.Agent(agentId),
                new AgentMessage
                {
                    Type = MessageType.Control,
                    Sender = AgentId,
                    Recipient = agentId,
                    CorrelationId = IdempotencyKey,
                    Payload = new DataPayload { Data = data },
                },
                cancellationToken).ConfigureAwait(false);
        }
    }

    internal TaskResult ToResult(TaskData output) => _extras?.Failure is { } failure
        ? ToResult(AgentTaskStatus.Failed, failure, output)
        : ToResult(AgentTaskStatus.Completed, error: null, output);

    internal TaskResult ToResult(AgentTaskStatus status, TaskError? error, TaskData? output = null)
    {
        if (error?.Code == ErrorCodes.LeaseLost)
        {
            // Said by an effect: whoever has the run by now may bring the task to a good end, and its owner here makes sure before it gives it up.
            Lease?.Doubt();
        }

        var now = TimeProvider.GetUtcNow();
        var duration = TimeProvider.GetElapsedTime(_startedAt);
        return new TaskResult(Task.LazyId, status)
        {
            WorkflowId = WorkflowId,
            Round = Round,
            AgentId = KnownAgentId,
            Output = output ?? TaskData.Empty,
            Error = error,
            Attempts = Attempt,
            Feedback = _extras?.Feedback,
            StartedAt = now - duration,
            CompletedAt = now,
            Duration = duration,
            Metadata = _extras?.Notes() ?? Snapshot.EmptyMap,
        };
    }

    private string WhyNoOutput(string taskId) =>
        !Task.DependsOn.Contains(taskId, StringComparer.Ordinal) ? $"Let it depend on it: After(\"{taskId}\")."
        : !_assignment.LacksOutputs ? $"'{taskId}' is optional and was skipped: ask HasOutput first."
        : $"This is a replay, and the store no longer has run '{WorkflowId}', or has no result of '{taskId}' there: it was deleted, or its " +
            "retention is over (RetentionOptions). " +
          "Replay the dead letter with a corrected input that holds what is needed, or start the workflow anew.";

    private static Feedback Join(Feedback first, Feedback second)
    {
        var metrics = new Dictionary<string, double>(first.Metrics, StringComparer.Ordinal);
        foreach (var (name, value) in second.Metrics)
        {
            metrics[name] = value;
        }

        return first with
        {
            Severity = first.Severity > second.Severity ? first.Severity : second.Severity,
            Findings = [.. first.Findings, .. second.Findings],
            Recommendations = [.. first.Recommendations, .. second.Recommendations],

            // One that concerns the whole phase makes the whole phase run again.
            AffectedTaskIds = first.AffectedTaskIds.Count == 0 || second.AffectedTaskIds.Count == 0
                ? []
                : [.. first.AffectedTaskIds.Union(second.AffectedTaskIds, StringComparer.Ordinal)],
            Metrics = metrics,
        };
    }
}
