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
        return Describe(ConductorTelemetry.Source.StartActivity($"send {template}", ActivityKind.Producer), "send", template, message);
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

        var headers = new Dictionary<string, string>(message.Headers, StringComparer.Ordinal) { [MessageHeaders.TraceParent] = id };
        if (current.TraceStateString is { } state)
        {
            headers[MessageHeaders.TraceState] = state;
        }

        return message with { Headers = headers };
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
