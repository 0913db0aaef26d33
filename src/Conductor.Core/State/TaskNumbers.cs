using System.Runtime.CompilerServices;

namespace Conductor.State;

/// <summary>
/// The tasks of a definition by number, in its order: what is kept for each of a run's tasks can be an array. Made once for a definition, and shared
/// by all its runs. Thread-safe.
/// </summary>
internal static class TaskNumbers
{
    private static readonly ConditionalWeakTable<WorkflowDefinition, Dictionary<string, int>> _known = [];

    /// <summary>The number of each task, by its id. Nobody may change it.</summary>
    public static Dictionary<string, int> Of(WorkflowDefinition definition) => _known.GetValue(definition, static definition =>
    {
        var numbers = new Dictionary<string, int>(definition.Tasks.Count, StringComparer.Ordinal);
        for (var i = 0; i < definition.Tasks.Count; i++)
        {
            numbers.TryAdd(definition.Tasks[i].Id, i);
        }

        return numbers;
    });
}
