using System.Diagnostics;
using Conductor.Diagnostics;
using Tags = Conductor.Diagnostics.ConductorTelemetry.Tags;

namespace Conductor.Agents;

/// <summary>
/// The span of each attempt of one agent. Its name and all that it says of the agent are made once, and are there when a sampler decides about
/// the span. Immutable.
/// </summary>
internal sealed class AgentSpan
{
    private readonly string _name;
    private readonly KeyValuePair<string, object?>[] _tags;

    /// <summary>The span of an agent.</summary>
    /// <param name="identity">Who the agent is, if it knows.</param>
    /// <param name="fallbackName">What it is called if it does not.</param>
    public AgentSpan(AgentIdentity? identity, string fallbackName)
    {
        _name = $"invoke_agent {identity?.Name ?? fallbackName}";
        KeyValuePair<string, object?>[] tags =
        [
            new(Tags.OperationName, "invoke_agent"),
            new(Tags.ProviderName, "conductor"),
            new(Tags.AgentId, identity?.Id),
            new(Tags.AgentName, identity?.Name),
            new(Tags.AgentDescription, identity?.Description),
            new(Tags.AgentVersion, identity?.Version),
        ];
        _tags = Array.FindAll(tags, static tag => tag.Value is not null);
    }

    /// <summary>Begins the span of an attempt, if anybody wants it.</summary>
    public Activity? Start(TaskContext task)
    {
        var activity = ConductorTelemetry.Source.StartActivity(_name, ActivityKind.Internal, task.BegunIn?.Context ?? default, _tags);
        if (activity is { IsAllDataRequested: true })
        {
            activity.Describe(Tags.TaskId, task.Task.Id);
            activity.DescribeAttempt(task.Attempt);
        }

        return activity;
    }
}
