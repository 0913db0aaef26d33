using Conductor.Diagnostics;

namespace Conductor.Coordination;

/// <summary>The span of one dispatch; costs nothing while nobody listens. However the dispatch ends, the span says how many attempts there were.</summary>
/// <param name="span">The span.</param>
/// <param name="ticket">The dispatch.</param>
internal readonly struct DispatchSpan(GuardedSpan span, DispatchTicket ticket) : IDisposable
{
    public void Fail(TaskError error) => span.Activity.Fail(error.Code, error.Message);

    public void Dispose()
    {
        if (span.Activity is { IsAllDataRequested: true } activity)
        {
            activity.DescribeAttempt(ticket.AttemptsBegun);
        }

        span.Dispose();
    }
}
