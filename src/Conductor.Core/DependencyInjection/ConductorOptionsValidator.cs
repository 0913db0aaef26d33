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
        var missing = Missing(options).ToList();
        return missing.Count > 0 ? missing : OfSettings(options);
    }

    /// <summary>What is null where code set it so: nothing else can be said of such settings.</summary>
    private static IEnumerable<string> Missing(ConductorOptions options)
    {
        (string Setting, object? Value)[] rooms =
        [
            (nameof(ConductorOptions.Retry), options.Retry),
            (nameof(ConductorOptions.Dispatch), options.Dispatch),
            (nameof(ConductorOptions.Policies), options.Policies),
            (nameof(ConductorOptions.Workflows), options.Workflows),
            (nameof(ConductorOptions.Bus), options.Bus),
            (nameof(ConductorOptions.Retention), options.Retention),
        ];
        return SettingProblems.OfNulls(Root, rooms).Concat(OfErrors(options).Missing(Root));
    }

    private static ErrorHandlerOptions OfErrors(ConductorOptions options) => new() { CircuitBreaker = options.CircuitBreaker, AgentTypes = options.AgentTypes };

    private static IEnumerable<string> OfSettings(ConductorOptions options)
    {
        var retry = options.Retry.ToPolicy();
        return retry.Problems($"{Root}.{nameof(ConductorOptions.Retry)}")
            .Concat(OfErrors(options).Problems(Root, retry))
            .Concat(options.Dispatch.Problems($"{Root}.{nameof(ConductorOptions.Dispatch)}"))
            .Concat(options.Policies.Problems($"{Root}.{nameof(ConductorOptions.Policies)}"))
            .Concat(options.Workflows.Problems($"{Root}.{nameof(ConductorOptions.Workflows)}"))
            .Concat(options.Bus.Problems($"{Root}.{nameof(ConductorOptions.Bus)}"))
            .Concat(options.Retention.Problems($"{Root}.{nameof(ConductorOptions.Retention)}"))
            .Concat(TimerRange.Problems($"{Root}.{nameof(ConductorOptions.ShutdownTimeout)}", options.ShutdownTimeout, TimeSpan.Zero));
    }
}
