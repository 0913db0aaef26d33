using System.Diagnostics;
using Conductor.Diagnostics;
using Tags = Conductor.Diagnostics.ConductorTelemetry.Tags;

namespace Conductor.Coordination;

/// <summary>Begins the spans of dispatches.</summary>
internal static class DispatchTracing
{
    private static readonly Func<DispatchTicket, Activity?> _start = Start;

    public static DispatchSpan Start(ConductorEnvironment environment, DispatchTicket ticket) =>
        new(GuardedSpan.Start(environment, ticket, _start), ticket);

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
