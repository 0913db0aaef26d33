using Conductor.Coordination;
using Conductor.State;

namespace Conductor.Workflows;

/// <content>What keeps effects of a run that is another's by now from being recorded.</content>
internal sealed partial class WorkflowRunner
{
    /// <inheritdoc />
    IHeldLease? IDispatchOwner.Lease => _services.Options.IgnoresLeases ? null : Lease;
}
