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
        var errors = new ErrorHandlerOptions { CircuitBreaker = options.CircuitBreaker, AgentTypes = options.AgentTypes };
        return retry.Problems($"{Root}.{nameof(ConductorOptions.Retry)}")
            .Concat(errors.Problems(Root, retry))
            .Concat(options.Dispatch.Problems($"{Root}.{nameof(ConductorOptions.Dispatch)}"))
            .Concat(options.Policies.Problems($"{Root}.{nameof(ConductorOptions.Policies)}"))
            .Concat(options.Workflows.Problems($"{Root}.{nameof(ConductorOptions.Workflows)}"))
            .Concat(options.Bus.Problems($"{Root}.{nameof(ConductorOptions.Bus)}"))
            .Concat(options.Retention.Problems($"{Root}.{nameof(ConductorOptions.Retention)}"))
            .Concat(TimerRange.Problems($"{Root}.{nameof(ConductorOptions.ShutdownTimeout)}", options.ShutdownTimeout, TimeSpan.Zero));
    }
}
