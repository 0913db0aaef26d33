using Conductor.Policies;

namespace Conductor.Tests.Support;

/// <summary>Denies every task, without a look at who would do it.</summary>
internal sealed class CountingDenial : Policy<DispatchPolicyContext>
{
    public int Calls { get; private set; }

    public override string Name => "never";

    public override string Description => "never";

    protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
    {
        Calls++;
        return new(Denied("never"));
    }
}
