using System.Runtime.CompilerServices;

namespace Conductor.State;

/// <summary>
/// The tasks of a run by number, in the order of its definition: what is kept for each of them can be an array. Those of a definition are made once, and
/// shared by all its runs, which only read them: that is thread-safe.
/// </summary>
internal sealed class TaskNumbers
{
    private static readonly ConditionalWeakTable<WorkflowDefinition, TaskNumbers> _known = [];

    private readonly List<string> _ids;
    private readonly Dictionary<string, int> _numbers;

    /// <summary>No tasks yet.</summary>
    public TaskNumbers()
        : this(capacity: 0)
    {
    }

    private TaskNumbers(int capacity)
    {
        _ids = new List<string>(capacity);
        _numbers = new Dictionary<string, int>(capacity, StringComparer.Ordinal);
    }

    /// <summary>How many tasks there are: their numbers are those below.</summary>
    public int Count => _ids.Count;

    /// <summary>The task of a number.</summary>
    public string this[int number] => _ids[number];

    /// <summary>The tasks of a definition. Nobody may add to them.</summary>
    public static TaskNumbers Of(WorkflowDefinition definition) => _known.GetValue(definition, static definition =>
    {
        var numbers = new TaskNumbers(definition.Tasks.Count);
        foreach (var task in definition.Tasks)
        {
            if (!numbers._numbers.ContainsKey(task.Id))
            {
                numbers.Add(task.Id);
            }
        }

        return numbers;
    });

    /// <summary>The number of a task.</summary>
    /// <param name="taskId">The task.</param>
    /// <param name="number">Its number.</param>
    /// <returns>False when it has none.</returns>
    public bool TryFind(string taskId, out int number) => _numbers.TryGetValue(taskId, out number);

    /// <summary>
    /// The same for whoever asks for one task after the other: mostly in their order, and then there is nothing to look up. (In a run of many thousand tasks
    /// each look-up waits for memory several times.)
    /// </summary>
    /// <param name="taskId">The task.</param>
    /// <param name="next">The number that is expected; the one behind that which was found, afterwards. Any value will do.</param>
    /// <param name="number">Its number.</param>
    /// <returns>False when it has none.</returns>
    public bool TryFindNext(string taskId, ref int next, out int number)
    {
        number = next;
        if ((uint)number >= (uint)_ids.Count || _ids[number] != taskId)
        {
            if (!_numbers.TryGetValue(taskId, out number))
            {
                return false;
            }
        }

        next = number + 1;
        return true;
    }

    /// <summary>Gives a task that has none the next number.</summary>
    public int Add(string taskId)
    {
        var number = _ids.Count;
        _numbers.Add(taskId, number);
        _ids.Add(taskId);
        return number;
    }

    /// <summary>The same tasks, to be added to.</summary>
    public TaskNumbers Copy()
    {
        var copy = new TaskNumbers(Count + 1);
        foreach (var taskId in _ids)
        {
            copy.Add(taskId);
        }

        return copy;
    }
}
