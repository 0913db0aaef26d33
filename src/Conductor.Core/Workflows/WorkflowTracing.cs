using System.Diagnostics;
using Conductor.Diagnostics;
using Tags = Conductor.Diagnostics.ConductorTelemetry.Tags;

namespace Conductor.Workflows;

/// <summary>The span and the metric of one run.</summary>
internal static class WorkflowTracing
{
    public static GuardedSpan Start(ConductorEnvironment environment, WorkflowDefinition definition, string runId) =>
        GuardedSpan.Start(environment, (definition, runId), static run => Start(run.definition, run.runId));

    private static Activity? Start(WorkflowDefinition definition, string runId)
    {
        var activity = ConductorTelemetry.Source.StartActivity($"invoke_workflow {definition.Name}");
        if (activity is { IsAllDataRequested: true })
        {
            activity.Describe(Tags.OperationName, "invoke_workflow");
            activity.Describe(Tags.WorkflowName, definition.Name);
            activity.Describe(Tags.RunId, runId);
        }

        return activity;
    }

    /// <summary>Ends the span, and measures a run that is over. One that others go on with is measured by them.</summary>
    /// <param name="activity">The span, if anybody listens.</param>
    /// <param name="services">What runs share.</param>
    /// <param name="summary">The run as it is now.</param>
    /// <param name="duration">How long it took, with what others before ran of it.</param>
    public static void Finish(Activity? activity, WorkflowServices services, WorkflowSummary summary, TimeSpan duration)
    {
        var failed = summary.Status == WorkflowStatus.Failed;
        if (failed)
        {
            activity.Fail(summary.Error?.Code ?? ErrorCodes.UnknownError, summary.Error?.Message);
        }

        var histogram = services.Instruments.WorkflowDuration;
        if (histogram.Enabled && summary.IsComplete)
        {
            var name = new KeyValuePair<string, object?>(Tags.WorkflowName, summary.DefinitionName);
            if (failed)
            {
                histogram.Record(duration.TotalSeconds, name, new(Tags.ErrorType, summary.Error?.Code));
            }
            else
            {
                histogram.Record(duration.TotalSeconds, name);
            }
        }
    }
}
