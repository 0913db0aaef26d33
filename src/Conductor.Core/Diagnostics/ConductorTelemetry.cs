using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Conductor.Diagnostics;

/// <summary>
/// The names to listen to: <c>AddSource(ConductorTelemetry.SourceName)</c> for traces and <c>AddMeter(ConductorTelemetry.MeterName)</c>
/// for metrics. Names follow the OpenTelemetry conventions for generative AI agents and for messaging, both marked Development there;
/// attributes of our own live under <c>conductor.*</c>. Never an id on a metric.
/// </summary>
/// <remarks>
/// Spans: <c>invoke_workflow</c> for a run, in it <c>execute_step</c> for a dispatch, in it <c>invoke_agent</c> for each attempt. A message has
/// <c>send</c> and <c>process</c>; assignments and results have these too where they become messages, as with a bus between processes.
/// </remarks>
public static class ConductorTelemetry
{
    /// <summary>The name of the <see cref="ActivitySource"/>.</summary>
    public const string SourceName = "Conductor.Core";

    /// <summary>The name of the <see cref="Meter"/>.</summary>
    public const string MeterName = "Conductor.Core";

    /// <summary>The schema that the names follow.</summary>
    public const string SchemaUrl = "https://opentelemetry.io/schemas/1.38.0";

    /// <summary>The version of this library, on source and meter.</summary>
    public static readonly string Version = typeof(ConductorTelemetry).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    private static readonly object _firstAttempt = 1;

    internal static readonly ActivitySource Source = new(new ActivitySourceOptions(SourceName)
    {
        Version = Version,
        TelemetrySchemaUrl = SchemaUrl,
    });

    /// <summary>True when somebody listens to traces: tags are built only then.</summary>
    internal static bool IsTracing => Source.HasListeners();

    /// <summary>Adds an attribute that the span does not have yet; unlike <see cref="Activity.SetTag"/>, which looks for it first. Nothing for null.</summary>
    internal static void Describe(this Activity activity, string name, object? value)
    {
        if (value is not null)
        {
            activity.AddTag(name, value);
        }
    }

    /// <summary>Which attempt it is, or how many there were: nearly always one.</summary>
    internal static void DescribeAttempt(this Activity activity, int attempt) => activity.AddTag(Tags.Attempt, attempt == 1 ? _firstAttempt : attempt);

    /// <summary>Ends a span that failed. Cancellation is not an error.</summary>
    internal static void Fail(this Activity? activity, string errorType, string? description = null)
    {
        if (activity is not null)
        {
            activity.SetTag(Tags.ErrorType, errorType);
            activity.SetStatus(ActivityStatusCode.Error, description);
        }
    }

    /// <summary>The attribute names.</summary>
    internal static class Tags
    {
        public const string OperationName = "gen_ai.operation.name";
        public const string ProviderName = "gen_ai.provider.name";
        public const string WorkflowName = "gen_ai.workflow.name";
        public const string AgentId = "gen_ai.agent.id";
        public const string AgentName = "gen_ai.agent.name";
        public const string AgentDescription = "gen_ai.agent.description";
        public const string AgentVersion = "gen_ai.agent.version";
        public const string ErrorType = "error.type";
        public const string RunId = "conductor.workflow.id";
        public const string TaskId = "conductor.task.id";
        public const string Phase = "conductor.phase";
        public const string Attempt = "conductor.attempt";
        public const string AgentType = "conductor.agent.type";
        public const string Input = "conductor.task.input";
        public const string Output = "conductor.task.output";
        public const string MessagingSystem = "messaging.system";
        public const string MessagingOperationName = "messaging.operation.name";
        public const string MessagingOperationType = "messaging.operation.type";
        public const string DestinationTemplate = "messaging.destination.template";
        public const string MessageId = "messaging.message.id";
        public const string ConversationId = "messaging.message.conversation_id";
        public const string Reason = "reason";
        public const string Policy = "conductor.policy.name";
        public const string Decision = "conductor.policy.decision";
        public const string Operation = "conductor.state.operation";
        public const string BreakerState = "conductor.circuit_breaker.state";
        public const string ErrorCode = "conductor.error.code";
    }
}
