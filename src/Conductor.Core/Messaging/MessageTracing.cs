using System.Diagnostics;
using Conductor.Diagnostics;
using Tags = Conductor.Diagnostics.ConductorTelemetry.Tags;

namespace Conductor.Messaging;

/// <summary>
/// Spans of sending and processing, and the trace context in message headers. Costs nothing while nobody listens. An assignment or a result that
/// the library hands over within the process is no message, and has none of these spans.
/// </summary>
internal static class MessageTracing
{
    public static GuardedSpan StartSend(ConductorEnvironment environment, string channel, AgentMessage message) =>
        GuardedSpan.Start(environment, (channel, message), static sent => StartSend(sent.channel, sent.message));

    private static Activity? StartSend(string channel, AgentMessage message)
    {
        var names = Channels.Names(channel);
        var parent = Activity.Current is null ? Extract(message) : default;
        return Describe(ConductorTelemetry.Source.StartActivity(names.Send, ActivityKind.Producer, parent), "send", names.Template, message);
    }

    public static Activity? StartProcess(string channel, AgentMessage message)
    {
        if (!ConductorTelemetry.IsTracing)
        {
            return null;
        }

        // Linked to the sending context, and its child too, so that one trace shows the whole way of a task.
        var names = Channels.Names(channel);
        var sender = Extract(message);
        var links = sender == default ? null : new[] { new ActivityLink(sender) };
        return Describe(
            ConductorTelemetry.Source.StartActivity(names.Process, ActivityKind.Consumer, sender, tags: null, links), "process", names.Template, message);
    }

    /// <summary>The message of what goes over the bus as one only for some: for these it is traced like any other.</summary>
    public static AgentMessage Made(ConductorEnvironment environment, string channel, IMessageSource source)
    {
        var message = source.ToMessage();
        using var span = StartSend(environment, channel, message);
        return Inject(span.Activity, message);
    }

    /// <summary>The message with the context of a span, or else of the one under way, among its headers.</summary>
    public static AgentMessage Inject(Activity? activity, AgentMessage message) =>
        (activity ?? (ConductorTelemetry.IsTracing ? Activity.Current : null)) is { IdFormat: ActivityIdFormat.W3C } current
            ? message with { Headers = new TraceHeaders(current.Context, message.Headers) }
            : message;

    /// <summary>Headers with the context of a span.</summary>
    public static IReadOnlyDictionary<string, string> HeadersOf(Activity activity) =>
        activity.IdFormat == ActivityIdFormat.W3C ? new TraceHeaders(activity.Context, Snapshot.EmptyMap) : Snapshot.EmptyMap;

    private static ActivityContext Extract(AgentMessage message) =>
        message.Headers is TraceHeaders traced ? traced.Context
        : message.Headers.TryGetValue(MessageHeaders.TraceParent, out var parent)
        && ActivityContext.TryParse(parent, message.Headers.GetValueOrDefault(MessageHeaders.TraceState), isRemote: true, out var context)
            ? context
            : default;

    private static Activity? Describe(Activity? activity, string operation, string template, AgentMessage message)
    {
        if (activity is { IsAllDataRequested: true })
        {
            activity.Describe(Tags.MessagingSystem, "conductor");
            activity.Describe(Tags.MessagingOperationName, operation);
            activity.Describe(Tags.MessagingOperationType, operation);
            activity.Describe(Tags.DestinationTemplate, template);
            activity.Describe(Tags.MessageId, message.Id);
            activity.Describe(Tags.ConversationId, message.CorrelationId);
        }

        return activity;
    }
}
