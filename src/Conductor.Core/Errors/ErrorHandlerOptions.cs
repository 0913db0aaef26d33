namespace Conductor.Errors;

/// <summary>Settings of an error handler.</summary>
public sealed class ErrorHandlerOptions
{
    /// <summary>The circuit breakers of agents.</summary>
    public CircuitBreakerOptions CircuitBreaker { get; set; } = new();

    /// <summary>Settings of single agent types, by the type's name; what they do not set is taken from the general settings.</summary>
    public IDictionary<string, AgentTypeOptions> AgentTypes
    {
        get;

        // Types are lower-cased, whatever the dictionary that is given compares by.
        set => field = new Dictionary<string, AgentTypeOptions>(value, StringComparer.OrdinalIgnoreCase);
    } = new Dictionary<string, AgentTypeOptions>(StringComparer.OrdinalIgnoreCase);
}
