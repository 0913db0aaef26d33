using Conductor.Coordination;
using Conductor.Diagnostics;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Workflows;
using Microsoft.Extensions.Logging;

namespace Conductor.Tests.Support;

internal sealed class RigOptions
{
    public RetryPolicy? Retry { get; init; }

    public ErrorHandlerOptions? Errors { get; init; }

    public DispatchOptions? Dispatch { get; init; }

    public WorkflowOptions? Workflows { get; init; }

    public RetentionOptions? Retention { get; init; }

    public System.Diagnostics.Metrics.IMeterFactory? Meters { get; init; }

    /// <summary>In place of those that note what is logged.</summary>
    public ILoggerFactory? Loggers { get; init; }

    public bool RecordSensitiveData { get; init; }

    public ErrorClassifier? Classifier { get; init; }

    public Policy[]? Policies { get; init; }

    public Func<ConductorEnvironment, MessageBus>? Bus { get; init; }

    public Func<ConductorEnvironment, StateManager>? State { get; init; }
}
