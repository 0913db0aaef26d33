namespace Conductor.Errors;

/// <summary>Settings of an error handler.</summary>
public sealed class ErrorHandlerOptions
{
    /// <summary>The circuit breakers of agents.</summary>
    public CircuitBreakerOptions CircuitBreaker { get; set; } = new();

    /// <summary>Settings of single agent types, by the type's name; what they do not set is taken from the general settings.</summary>
    /// <exception cref="ArgumentException">Two names that are set are those of one type: types are lower-cased.</exception>
    public IDictionary<string, AgentTypeOptions> AgentTypes
    {
        get;

        // (Null is told when settings are validated.)
        set => field = AgentTypeOptions.ByType(value);
    } = new Dictionary<string, AgentTypeOptions>(StringComparer.OrdinalIgnoreCase);

    /// <summary>What is wrong with the settings, a sentence each that quotes the setting, the value and the fix.</summary>
    /// <param name="path">Where the settings stand, to quote them by.</param>
    /// <param name="retry">The general retry policy, into which the settings of single agent types are merged.</param>
    internal IEnumerable<string> Problems(string path, RetryPolicy retry) => Missing(path).Concat(OfSettings(path, retry));

    /// <summary>What is null where code set it so: nothing else can be said of such settings, and all of the others.</summary>
    private IEnumerable<string> Missing(string path) => SettingProblems.OfNulls(
        path, [(nameof(CircuitBreaker), CircuitBreaker), (nameof(AgentTypes), AgentTypes), .. AgentTypes?.SelectMany(PartsOfType) ?? []]);

    private static IEnumerable<(string Setting, object? Value)> PartsOfType(KeyValuePair<string, AgentTypeOptions> entry)
    {
        var setting = $"{nameof(AgentTypes)}[{entry.Key}]";
        return entry.Value is { } type
            ? [($"{setting}.{nameof(AgentTypeOptions.Retry)}", type.Retry), ($"{setting}.{nameof(AgentTypeOptions.CircuitBreaker)}", type.CircuitBreaker)]
            : [(setting, null)];
    }

    private IEnumerable<string> OfSettings(string path, RetryPolicy retry)
    {
        var breaker = CircuitBreaker ?? new CircuitBreakerOptions();
        return breaker.Problems($"{path}.{nameof(CircuitBreaker)}").Concat((AgentTypes ?? new Dictionary<string, AgentTypeOptions>())
            .SelectMany(entry => OfAgentType($"{path}.{nameof(AgentTypes)}[{entry.Key}]", entry.Key, entry.Value, retry, breaker)));
    }

    private static IEnumerable<string> OfAgentType(string path, string name, AgentTypeOptions? settings, RetryPolicy retry, CircuitBreakerOptions breaker)
    {
        return (AgentType.TryParse(name, null, out _) ? [] : new[] { $"{path}: '{name}' is no name for an agent type; use letters, digits, '_', '-' or '.'." })
            .Concat(Own($"{path}.{nameof(AgentTypeOptions.Retry)}", retry.With(settings?.Retry?.ToSettings()).Problems, retry.Problems))
            .Concat(Own($"{path}.{nameof(AgentTypeOptions.CircuitBreaker)}", breaker.With(settings?.CircuitBreaker?.ToSettings()).Problems, breaker.Problems));

        // What is wrong in general is said there, not once more for every type.
        static IEnumerable<string> Own(string where, Func<string, IEnumerable<string>> ofType, Func<string, IEnumerable<string>> general) =>
            ofType(where).Except(general(where), StringComparer.Ordinal);
    }
}
