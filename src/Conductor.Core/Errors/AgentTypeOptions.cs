namespace Conductor.Errors;

/// <summary>Settings of one agent type. (Classes, not the records of a task: configuration can fill only what can be set.)</summary>
public sealed class AgentTypeOptions
{
    /// <summary>Retry settings.</summary>
    /// <value>Default: those of all types.</value>
    public RetryOverrideOptions Retry { get; set; } = new();

    /// <summary>Circuit breaker settings.</summary>
    /// <value>Default: those of all types.</value>
    public CircuitBreakerOverrideOptions CircuitBreaker { get; set; } = new();

    /// <summary>A copy in which types are found however they are spelt, whatever the dictionary that is given compares by: types are lower-cased.</summary>
    /// <param name="value">The settings as they were given; null stays null, which is told when they are validated.</param>
    internal static IDictionary<string, AgentTypeOptions> ByType(IDictionary<string, AgentTypeOptions>? value)
    {
        if (value is null)
        {
            return null!;
        }

        var byType = new Dictionary<string, AgentTypeOptions>(value.Count, StringComparer.OrdinalIgnoreCase);
        foreach (var (name, settings) in value)
        {
            if (!byType.TryAdd(name, settings))
            {
                throw new ArgumentException(
                    $"AgentTypes has '{name}' twice, spelt in two ways; types are lower-cased, so both are '{name.ToLowerInvariant()}'. Keep one.",
                    nameof(value));
            }
        }

        return byType;
    }
}
