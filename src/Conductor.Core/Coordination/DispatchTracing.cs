using System.Diagnostics;
using Conductor.Diagnostics;
using Tags = Conductor.Diagnostics.ConductorTelemetry.Tags;

namespace Conductor.Coordination;

/// <summary>The span of one dispatch. Costs nothing while nobody listens.</summary>
internal static class DispatchTracing
{
    private static readonly Func<DispatchTicket, Activity?> _start = Start;

    public static GuardedSpan Start(ConductorEnvironment environment, DispatchTicket ticket) => GuardedSpan.Start(environment, ticket, _start);

    public static void Fail(GuardedSpan span, TaskError error) => span.Activity.Fail(error.Code, error.Message);

    /// <summary>It is over, however it ended.</summary>
    public static void Over(GuardedSpan span, DispatchTicket ticket)
    {
        if (span.Activity is { IsAllDataRequested: true } activity)
        {
            activity.DescribeAttempt(ticket.AttemptsBegun);
        }
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
