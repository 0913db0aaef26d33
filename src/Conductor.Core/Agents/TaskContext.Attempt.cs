using System.Diagnostics;
using Conductor.Messaging;
using Conductor.Threading;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Agents;

/// <content>What the mailbox keeps of an attempt under way, here so that an attempt is one object. Published, it is the attempt's result.</content>
public sealed partial class TaskContext : IMessageSource
{
    /// <summary>Stands in the place of the result from when it was claimed until it is there: an attempt has no field for that alone.</summary>
    private static readonly TaskResult _claimed = new() { TaskId = string.Empty, Status = AgentTaskStatus.InProgress };

    private readonly AgentMailbox? _mailbox;
    private Extras? _extras;
    private TaskResult? _result;

    /// <summary>The number of the attempt; 0 when whoever assigned it does not number its attempts by ids of this process.</summary>
    internal long Number { get; }

    /// <summary>The mailbox of the agent; null in a context made by hand.</summary>
    internal AgentMailbox? Mailbox => _mailbox;

    /// <summary>
    /// The span that the agent's belongs to, if anybody traces: the dispatch's, or that of handling the assignment where it came as a message. It may
    /// have ended when the agent begins.
    /// </summary>
    internal Activity? BegunIn { get; }

    /// <summary>The result, once it is to be published.</summary>
    internal TaskResult? Result => ReferenceEquals(_result, _claimed) ? null : _result;

    /// <summary>True for the first: only its result is published. Under the lock of the mailbox.</summary>
    internal bool TryClaimResult()
    {
        if (_result is not null)
        {
            return false;
        }

        _result = _claimed;
        return true;
    }

    /// <summary>What the attempt ends with, by whoever claimed that.</summary>
    internal void NoteResult(TaskResult result) => _result = result;

    /// <summary>
    /// The agent's code failed: tells the mailbox when that is only for a stop of the coordinator, unless the attempt has its result already (its
    /// time was over).
    /// </summary>
    internal void NoteIfStopped(Exception exception)
    {
        if (_result is null && _mailbox is { } mailbox && StopFailures.IsOf(exception, mailbox.Host.CoordinatorId))
        {
            mailbox.NoteStopped(Number);
        }
    }

    /// <summary>Publishes the result that was claimed, where whoever assigned the task takes results.</summary>
    internal ValueTask PublishAsync(TaskResult result)
    {
        _result = result;
        return _extras?.Request is { } request
            ? Host.Bus!.PublishAsync(Channels.Results(request.Sender), ((IMessageSource)this).ToMessage(), CancellationToken.None)
            : Host.Bus!.PublishAsync(Host.Results!, this, CancellationToken.None);
    }

    /// <summary>How the attempt ends once its scope does. Where it has one alone, under the lock of the mailbox.</summary>
    internal AgentMailbox.ScopedReturn? Return
    {
        get => _extras?.Return;
        set => Own().Return = value;
    }

    /// <summary>Whether the task's services were used: then its scope must be ended.</summary>
    internal bool HasScope => _extras?.Scope is not null;

    /// <summary>What was made of the task's services for this task alone: it ends before they do.</summary>
    internal void EndWithScope(PerTaskInstance instance) => Own().Instance = instance;

    /// <summary>Ends the task's scope, if its services were used, and before it what was made of them. Never throws.</summary>
    internal async ValueTask EndScopeAsync()
    {
        if (_extras is not { Scope: { } scope } extras)
        {
            return;
        }

        if (extras.Instance is { } instance)
        {
            await instance.EndAsync(this).ConfigureAwait(false);
        }

        extras.Scope = null;
        try
        {
            await scope.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A user's service may fail to be disposed; the result of the task stands.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ScopeFailed(Logger, exception, Task.Id);
        }
    }

    /// <inheritdoc />
    AgentMessage IMessageSource.ToMessage()
    {
        var request = _extras?.Request;
        return new AgentMessage
        {
            Type = MessageType.TaskResult,
            Sender = AgentId,
            Recipient = request is null ? Host.CoordinatorId : request.Sender,
            CorrelationId = request is null ? EntityId.TextOf(Number) : request.CorrelationId ?? request.Id,
            Priority = request is null ? Task.Priority : request.Priority,
            Timestamp = _result!.CompletedAt,
            Payload = new TaskResultPayload { Result = _result },
            Headers = BegunIn is null ? Snapshot.EmptyMap : MessageTracing.HeadersOf(BegunIn),
        };
    }

    /// <summary>What few attempts have.</summary>
    private sealed class Extras
    {
        private Dictionary<string, string>? _notes;
        private ProgressReports? _progress;

        /// <summary>In the place of an attempt's own when its code is over and it had none.</summary>
        public static Extras OfEnded { get; } = new() { HasEnded = true };

        /// <summary>Whether the agent's code is over.</summary>
        public bool HasEnded { get; set; }

        /// <summary>Whether it was said that something came after that.</summary>
        public bool HasWarned { get; set; }

        /// <summary>In a context made by hand: the agent that runs it.</summary>
        public string? AgentId { get; set; }

        /// <summary>The message that brought the assignment, when it came as one.</summary>
        public AgentMessage? Request { get; init; }

        public AsyncServiceScope? Scope { get; set; }

        public PerTaskInstance? Instance { get; set; }

        public AgentMailbox.ScopedReturn? Return { get; set; }

        public Feedback? Feedback { get; set; }

        public TaskError? Failure { get; set; }

        /// <summary>What tells of the attempt's progress.</summary>
        public ProgressReports ProgressOver(MessageBus bus, TaskContext task)
        {
            lock (this)
            {
                return _progress ??= new ProgressReports(task, bus);
            }
        }

        public void Note(string key, string value)
        {
            lock (this)
            {
                (_notes ??= new Dictionary<string, string>(StringComparer.Ordinal))[key] = value;
            }
        }

        /// <summary>As they are now: a time limit ends the attempt on another thread, and the agent may go on with them.</summary>
        public IReadOnlyDictionary<string, string> Notes()
        {
            lock (this)
            {
                return Snapshot.Of(_notes);
            }
        }
    }
}
