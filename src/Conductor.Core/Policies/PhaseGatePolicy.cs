using System.Globalization;

namespace Conductor.Policies;

/// <summary>
/// Lets a workflow pass a phase when enough of that phase's tasks completed: completed / (completed + failed), inclusive; a phase without
/// tasks passes. Immutable and thread-safe.
/// </summary>
public sealed class PhaseGatePolicy : Policy<GatePolicyContext>
{
    /// <summary>The default rate: 1, every task.</summary>
    public const double DefaultMinSuccessRate = 1.0;

    /// <summary>Makes the policy.</summary>
    /// <param name="minSuccessRate">The least rate that passes: 0 to 1. Default: 1.</param>
    public PhaseGatePolicy(double minSuccessRate = DefaultMinSuccessRate)
    {
        if (!(minSuccessRate is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(minSuccessRate), minSuccessRate, "The rate must be 0 to 1.");
        }

        MinSuccessRate = minSuccessRate;
    }

    /// <summary>The least rate that passes.</summary>
    public double MinSuccessRate { get; }

    /// <inheritdoc />
    public override string Name => "phase_gate";

    /// <inheritdoc />
    public override string Description =>
        FormattableString.Invariant($"A phase passes when at least {MinSuccessRate * 100:0.##########}% of its tasks completed.");

    /// <inheritdoc />
    protected override ValueTask<PolicyResult> EvaluateAsync(GatePolicyContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new ValueTask<PolicyResult>(context.SuccessRate >= MinSuccessRate
            ? Allowed
            : Denied(string.Create(
                CultureInfo.InvariantCulture,
                $"phase '{context.Phase}' completed {context.CompletedTasks:N0} of {context.CompletedTasks + context.FailedTasks:N0} task(s), " +
                $"a rate of {RoundedDown(context.SuccessRate):0.####}; {MinSuccessRate} is required.")));
    }

    /// <summary>A rate that is too low must not read like one that would do.</summary>
    private static decimal RoundedDown(double rate) => Math.Floor((decimal)rate * 10_000) / 10_000;
}
