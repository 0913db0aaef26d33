namespace Conductor.Messaging;

/// <summary>The headers this library sets.</summary>
public static class MessageHeaders
{
    /// <summary>On a response: the id of the request it answers.</summary>
    public const string InReplyTo = "conductor-in-reply-to";

    /// <summary>On a request: the channel its answer is awaited on.</summary>
    public const string ReplyTo = "conductor-reply-to";

    /// <summary>The trace context, see the W3C recommendation Trace Context.</summary>
    public const string TraceParent = "traceparent";

    /// <summary>The vendors' part of the trace context.</summary>
    public const string TraceState = "tracestate";
}
