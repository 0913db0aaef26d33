using System.Diagnostics;
using Conductor.Diagnostics;
using Tags = Conductor.Diagnostics.ConductorTelemetry.Tags;

namespace Conductor.Messaging;

/// <summary>Spans of sending and processing, and the trace context in message headers. Costs nothing while nobody listens.</summary>
internal static class MessageTracing
{
    public static Activity? StartSend(string channel, AgentMessage message)
    {
        if (!ConductorTelemetry.IsTracing)
        {
            return null;
        }

        var template = Channels.Template(channel);
        var parent = Activity.Current is null ? Extract(message) : default;
        return Describe(ConductorTelemetry.Source.StartActivity($"send {template}", ActivityKind.Producer, parent), "send", template, message);
    }

    public static Activity? StartProcess(string channel, AgentMessage message)
    {
        if (!ConductorTelemetry.IsTracing)
        {
            return null;
        }

        // Linked to the sending context, and its child too, so that one trace shows the whole way of a task.
        var template = Channels.Template(channel);
        var sender = Extract(message);
        var links = sender == default ? null : new[] { new ActivityLink(sender) };
        return Describe(
            ConductorTelemetry.Source.StartActivity($"process {template}", ActivityKind.Consumer, sender, tags: null, links), "process", template, message);
    }

    public static AgentMessage Inject(Activity? activity, AgentMessage message)
    {
        var current = activity ?? (ConductorTelemetry.IsTracing ? Activity.Current : null);
        if (current?.Id is not { } id || current.IdFormat != ActivityIdFormat.W3C)
        {
            return message;
        }

        var headers = new Dictionary<string, string>(message.Headers, StringComparer.Ordinal);
        Inject(current, id, headers);
        return message with { Headers = headers };
    }

    /// <summary>Headers of a message that belongs to a span which is not the current one any more.</summary>
    public static IReadOnlyDictionary<string, string> HeadersOf(Activity activity)
    {
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        if (activity is { Id: { } id, IdFormat: ActivityIdFormat.W3C })
        {
            Inject(activity, id, headers);
        }

        return headers;
    }

    private static void Inject(Activity activity, string id, Dictionary<string, string> headers)
    {
        headers[MessageHeaders.TraceParent] = id;
        if (activity.TraceStateString is { } state)
        {
            headers[MessageHeaders.TraceState] = state;
        }
    }

    private static ActivityContext Extract(AgentMessage message) =>
        message.Headers.TryGetValue(MessageHeaders.TraceParent, out var parent)
        && ActivityContext.TryParse(parent, message.Headers.GetValueOrDefault(MessageHeaders.TraceState), isRemote: true, out var context)
            ? context
            : default;

    private static Activity? Describe(Activity? activity, string operation, string template, AgentMessage message)
    {
        if (activity is { IsAllDataRequested: true })
        {
            activity.SetTag(Tags.MessagingSystem, "conductor");
            activity.SetTag(Tags.MessagingOperationName, operation);
            activity.SetTag(Tags.MessagingOperationType, operation);
            activity.SetTag(Tags.DestinationTemplate, template);
            activity.SetTag(Tags.MessageId, message.Id);
            activity.SetTag(Tags.ConversationId, message.CorrelationId);
        }

        return activity;
    }
}
