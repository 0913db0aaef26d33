using Conductor.Errors;
using Conductor.Threading;
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
        // What is null has no settings of which more could be said; all others have.
        var retry = options.Retry?.ToPolicy() ?? RetryPolicy.Default;
        return Missing(options)
            .Concat(retry.Problems($"{Root}.{nameof(ConductorOptions.Retry)}"))
            .Concat(options.ToErrorHandlerOptions().Problems(Root, retry))
            .Concat(options.Dispatch?.Problems($"{Root}.{nameof(ConductorOptions.Dispatch)}") ?? [])
            .Concat(options.Policies?.Problems($"{Root}.{nameof(ConductorOptions.Policies)}") ?? [])
            .Concat(options.Workflows?.Problems($"{Root}.{nameof(ConductorOptions.Workflows)}") ?? [])
            .Concat(options.Bus?.Problems($"{Root}.{nameof(ConductorOptions.Bus)}") ?? [])
            .Concat(options.Retention?.Problems($"{Root}.{nameof(ConductorOptions.Retention)}") ?? [])
            .Concat(TimerRange.Problems($"{Root}.{nameof(ConductorOptions.ShutdownTimeout)}", options.ShutdownTimeout, TimeSpan.Zero));
    }

    /// <summary>What is null where code set it so. (Of the error handler's settings, they say it themselves.)</summary>
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
        return SettingProblems.OfNulls(Root, rooms);
    }
}
