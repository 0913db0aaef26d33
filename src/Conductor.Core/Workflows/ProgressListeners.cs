using System.Collections.Immutable;

namespace Conductor.Workflows;

/// <summary>
/// Who asked to be told how far a run is when they started an id that existed: the run may be this engine's by then, or become so later. Thread-safe.
/// </summary>
internal sealed class ProgressListeners
{
    /// <summary>By run. Replaced, never changed: nearly always there is nobody, and each step of each run looks.</summary>
    private ImmutableDictionary<string, ImmutableList<IProgress<WorkflowProgress>>> _byRun =
        ImmutableDictionary.Create<string, ImmutableList<IProgress<WorkflowProgress>>>(StringComparer.Ordinal);

    /// <summary>The runs that somebody listens to.</summary>
    public IEnumerable<string> Runs => Volatile.Read(ref _byRun).Keys;

    /// <summary>Those of a run.</summary>
    public ImmutableList<IProgress<WorkflowProgress>> Of(string runId) =>
        Volatile.Read(ref _byRun) is { IsEmpty: false } all && all.TryGetValue(runId, out var listeners) ? listeners : [];

    /// <summary>Adds one, unless it is there.</summary>
    public void Add(string runId, IProgress<WorkflowProgress> listener) => ImmutableInterlocked.AddOrUpdate(
        ref _byRun, runId, [listener], (_, listeners) => listeners.Contains(listener) ? listeners : listeners.Add(listener));

    /// <summary>A run is over.</summary>
    public void Remove(string runId)
    {
        if (!Volatile.Read(ref _byRun).IsEmpty)
        {
            ImmutableInterlocked.TryRemove(ref _byRun, runId, out _);
        }
    }
}
