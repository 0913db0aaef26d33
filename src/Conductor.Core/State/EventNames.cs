namespace Conductor.State;

/// <summary>
/// What the packed events of a run refer to by number: tasks and phases by their place in the definition, and in order of their arrival whatever
/// else they name: agents, messages, events that are kept as they are. The run's loop adds, any thread reads, or writes down, what was committed.
/// </summary>
internal sealed class EventNames(WorkflowDefinition? definition)
{
    /// <summary>The agents of most runs, and what their phases say.</summary>
    private const int FirstLength = 16;

    private object[] _others = [];
    private int _count;

    /// <summary>How many there are beside tasks and phases.</summary>
    public int Count => _count;

    public string TaskId(int number) => definition!.Tasks[number].Id;

    public WorkflowPhase Phase(int number) => definition!.Phases[number];

    /// <summary>The number of a phase; -1 when the definition does not know it.</summary>
    public int NumberOf(WorkflowPhase phase)
    {
        for (var i = 0; i < definition?.Phases.Count; i++)
        {
            if (definition.Phases[i] == phase)
            {
                return i;
            }
        }

        return -1;
    }

    public object Other(int number) => Volatile.Read(ref _others)[number];

    /// <summary>Writes them down.</summary>
    public void WriteTo(ref PackWriter pack)
    {
        // In this order: there may be more by now than were committed, never fewer.
        var count = Volatile.Read(ref _count);
        var others = Volatile.Read(ref _others);
        pack.PutObject(definition);
        pack.Put(count);
        foreach (var other in others.AsSpan(0, count))
        {
            pack.PutObject(other);
        }
    }

    /// <summary>Reads what was written.</summary>
    public static EventNames Read(ref PackReader pack)
    {
        var names = new EventNames(pack.TakeObject<WorkflowDefinition>());
        for (var left = pack.TakeInt32(); left > 0; left--)
        {
            names.Add(pack.TakeObject<object>()!);
        }

        return names;
    }

    /// <summary>Adds a name.</summary>
    /// <returns>Its number.</returns>
    public int Add(object other)
    {
        if (_count == _others.Length)
        {
            // Another array: whoever reads meanwhile has the one before, with all that it may ask for.
            var longer = new object[Math.Max(FirstLength, 2 * _count)];
            _others.CopyTo(longer);
            Volatile.Write(ref _others, longer);
        }

        _others[_count] = other;
        Volatile.Write(ref _count, _count + 1);
        return _count - 1;
    }
}
