using Conductor.Diagnostics;
using System.Diagnostics.Metrics;
using Conductor.Coordination;
using Conductor.State;
using Conductor.Testing;
using Conductor.Workflows;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Support;

/// <summary>
/// Several "processes" on one store. Each has a clock of its own and the store has another: one whose clock stands still gives no sign of
/// life, as if it had died or were paused.
/// </summary>
internal sealed class Processes : IAsyncDisposable
{
    private readonly List<Rig> _rigs = [];
    private readonly StateManager _lasting;

    public Processes(RetentionOptions? retention = null)
    {
        StoreClock = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z"));
        Store = new InMemoryStateManager(new ConductorEnvironment(StoreClock), retention);
        _lasting = new Lasting(Store);
    }

    public FakeTimeProvider StoreClock { get; }

    public InMemoryStateManager Store { get; }

    public async Task<Rig> StartAsync(
        WorkflowOptions? workflows = null, Func<StateManager, StateManager>? wrap = null, DispatchOptions? dispatch = null, IMeterFactory? meters = null)
    {
        var rig = await Rig.StartAsync(new RigOptions
        {
            Workflows = workflows, Dispatch = dispatch, Meters = meters, State = _ => wrap?.Invoke(_lasting) ?? _lasting,
        });
        _rigs.Add(rig);
        return rig;
    }

    /// <summary>Lets the leases of those run out who give no sign of life.</summary>
    public void LetLeasesRunOut() => StoreClock.Advance(WorkflowOptions.DefaultLeaseDuration + TimeSpan.FromSeconds(1));

    public async ValueTask DisposeAsync()
    {
        foreach (var rig in _rigs)
        {
            await rig.DisposeAsync();
        }
    }

    /// <summary>Outlives these processes.</summary>
    private sealed class Lasting(StateManager store) : DelegatingStateManager(store)
    {
        public override DurabilityLevel Durability => DurabilityLevel.ProcessCrash;
    }
}
