namespace Conductor.Benchmarks.Peers.Contenders;

/// <summary>What a contender does for a call as it is measured here: a time means nothing without it.</summary>
internal sealed record Traits
{
    public const string Yes = "yes";
    public const string No = "no";

    /// <summary>What the columns are called.</summary>
    public static IReadOnlyList<string> Questions { get; } =
    [
        "queue between", "one call at a time", "goes to an idle callee", "rules checked before",
        "time limit armed", "failures retried", "result kept", "survives the process",
    ];

    /// <summary>What stands in them.</summary>
    public IReadOnlyList<string> Answers => [Queue, OneAtATime, ToIdle, Policies, Timeout, Retries, ResultSaved, Survives];

    /// <summary>Whether a queue stands between the caller and the callee, so that neither holds the other's thread.</summary>
    public string Queue { get; init; } = No;

    /// <summary>Whether a callee gets one call at a time.</summary>
    public string OneAtATime { get; init; } = No;

    /// <summary>Whether the callee is found by type among those that are idle.</summary>
    public string ToIdle { get; init; } = No;

    /// <summary>Whether rules are checked before the call.</summary>
    public string Policies { get; init; } = No;

    /// <summary>Whether a time limit is armed for the call.</summary>
    public string Timeout { get; init; } = No;

    /// <summary>Whether a failure is retried.</summary>
    public string Retries { get; init; } = No;

    /// <summary>Whether the result is kept where it can be asked for later.</summary>
    public string ResultSaved { get; init; } = No;

    /// <summary>Whether what was accepted survives the process.</summary>
    public string Survives { get; init; } = No;
}
