using Conductor.Coordination;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Workflows;

namespace Conductor.DependencyInjection;

/// <summary>All settings, by room. They are validated when the program starts; a message quotes the setting, its value and the fix.</summary>
public sealed class ConductorOptions
{
    /// <summary>Retries.</summary>
    public RetryOptions Retry { get; set; } = new();

    /// <summary>Circuit breakers.</summary>
    public CircuitBreakerOptions CircuitBreaker { get; set; } = new();

    /// <summary>Retry and breaker settings of single agent types, by the type's name.</summary>
    /// <exception cref="ArgumentException">Two names that are set are those of one type: types are lower-cased.</exception>
    public IDictionary<string, AgentTypeOptions> AgentTypes
    {
        get;

        // (Null is told when settings are validated.)
        set => field = AgentTypeOptions.ByType(value);
    } = new Dictionary<string, AgentTypeOptions>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Dispatch: queue, waiting, grace.</summary>
    public DispatchOptions Dispatch { get; set; } = new();

    /// <summary>The built-in policies.</summary>
    public PolicyOptions Policies { get; set; } = new();

    /// <summary>Workflows: feedback, leases, windows.</summary>
    public WorkflowOptions Workflows { get; set; } = new();

    /// <summary>The message bus.</summary>
    public MessageBusOptions Bus { get; set; } = new();

    /// <summary>How much of what is finished is kept.</summary>
    public RetentionOptions Retention { get; set; } = new();

    /// <summary>Whether spans carry inputs and outputs of tasks, which may be confidential.</summary>
    /// <value>Default: false.</value>
    public bool RecordSensitiveData { get; set; }

    /// <summary>
    /// How long running tasks may go on when the program stops without a host. (A host has its own: <c>HostOptions.ShutdownTimeout</c>.) Zero
    /// or more.
    /// </summary>
    /// <value>Default: 30 seconds.</value>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The settings that are the error handler's.</summary>
    internal ErrorHandlerOptions ToErrorHandlerOptions() => new() { CircuitBreaker = CircuitBreaker, AgentTypes = AgentTypes };
}
