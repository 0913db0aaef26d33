using Conductor.Errors;
using Microsoft.Extensions.Options;

namespace Conductor.DependencyInjection;

/// <summary>Names everything that is wrong with the settings at once, each with its value and the fix.</summary>
internal sealed class ConductorOptionsValidator : IValidateOptions<ConductorOptions>
{
    private const string Root = nameof(ConductorOptions);

    public ValidateOptionsResult Validate(string? name, ConductorOptions options)
    {
        var problems = Problems(options).ToList();
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static IEnumerable<string> Problems(ConductorOptions options)
    {
        var retry = options.Retry.ToPolicy();
        return retry.Problems($"{Root}.{nameof(ConductorOptions.Retry)}")
            .Concat(options.CircuitBreaker.Problems($"{Root}.{nameof(ConductorOptions.CircuitBreaker)}"))
            .Concat(options.AgentTypes.SelectMany(entry => OfAgentType(entry.Key, entry.Value, retry, options.CircuitBreaker)))
            .Concat(options.Dispatch.Problems($"{Root}.{nameof(ConductorOptions.Dispatch)}"))
            .Concat(options.Policies.Problems($"{Root}.{nameof(ConductorOptions.Policies)}"))
            .Concat(options.Workflows.Problems($"{Root}.{nameof(ConductorOptions.Workflows)}"))
            .Concat(options.Bus.Problems($"{Root}.{nameof(ConductorOptions.Bus)}"))
            .Concat(options.Retention.Problems($"{Root}.{nameof(ConductorOptions.Retention)}"))
            .Concat(TimerRange.Problems($"{Root}.{nameof(ConductorOptions.ShutdownTimeout)}", options.ShutdownTimeout, TimeSpan.Zero));
    }

    private static IEnumerable<string> OfAgentType(string name, AgentTypeOptions settings, RetryPolicy retry, CircuitBreakerOptions breaker)
    {
        var path = $"{Root}.{nameof(ConductorOptions.AgentTypes)}[{name}]";
        return (AgentType.TryParse(name, null, out _) ? [] : new[] { $"{path}: '{name}' is no name for an agent type; use letters, digits, '_', '-' or '.'." })
            .Concat(Own($"{path}.{nameof(AgentTypeOptions.Retry)}", retry.With(settings.Retry.ToSettings()).Problems, retry.Problems))
            .Concat(Own($"{path}.{nameof(AgentTypeOptions.CircuitBreaker)}", breaker.With(settings.CircuitBreaker.ToSettings()).Problems, breaker.Problems));

        // What is wrong in general is said there, not once more for every type.
        static IEnumerable<string> Own(string where, Func<string, IEnumerable<string>> ofType, Func<string, IEnumerable<string>> general) =>
            ofType(where).Except(general(where), StringComparer.Ordinal);
    }
}
