using System.Diagnostics;
using Conductor.Diagnostics;
using Tags = Conductor.Diagnostics.ConductorTelemetry.Tags;

namespace Conductor.Coordination;

/// <summary>The span of one dispatch; costs nothing while nobody listens. However the dispatch ends, the span says how many attempts there were.</summary>
internal readonly struct DispatchSpan : IDisposable
{
    private static readonly Func<DispatchTicket, Activity?> _start = Start;

    private readonly GuardedSpan _span;
    private readonly DispatchTicket _ticket;

    private DispatchSpan(GuardedSpan span, DispatchTicket ticket) => (_span, _ticket) = (span, ticket);

    public static DispatchSpan Start(ConductorEnvironment environment, DispatchTicket ticket) =>
        new(GuardedSpan.Start(environment, ticket, _start), ticket);

    public void Fail(TaskError error) => _span.Activity.Fail(error.Code, error.Message);

    public void Dispose()
    {
        if (_span.Activity is { IsAllDataRequested: true } activity)
        {
            activity.DescribeAttempt(_ticket.AttemptsBegun);
        }

        _span.Dispose();
    }

    private static Activity? Start(DispatchTicket ticket)
    {
        var activity = ConductorTelemetry.Source.StartActivity($"execute_step {ticket.Task.Name}");
        if (activity is { IsAllDataRequested: true })
        {
            activity.Describe(Tags.TaskId, ticket.Task.Id);
            activity.Describe(Tags.AgentType, ticket.Task.AgentType.Name);
            activity.Describe(Tags.Phase, ticket.Assignment.Phase?.Name);
            activity.Describe(Tags.RunId, ticket.WorkflowId);
        }

        return activity;
    }
}
