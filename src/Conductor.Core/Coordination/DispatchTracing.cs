using System.Diagnostics;
using Conductor.Diagnostics;
using Tags = Conductor.Diagnostics.ConductorTelemetry.Tags;

namespace Conductor.Coordination;

/// <summary>The span of one dispatch. Costs nothing while nobody listens.</summary>
internal static class DispatchTracing
{
    public static Activity? Start(DispatchTicket ticket)
    {
        if (!ConductorTelemetry.IsTracing)
        {
            return null;
        }

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

    public static void Fail(Activity? activity, TaskError error) => activity.Fail(error.Code, error.Message);
}
