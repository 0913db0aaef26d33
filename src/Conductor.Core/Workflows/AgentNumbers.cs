namespace Conductor.Workflows;

/// <summary>The agents that took part in a run, each with a number. A few are looked through, many are looked up. Not thread-safe.</summary>
internal sealed class AgentNumbers(int expected)
{
    private const int Few = 16;

    private readonly List<(string Id, int Number)> _few = new(Math.Min(expected, Few));
    private Dictionary<string, int>? _many;

    public int Count => _many?.Count ?? _few.Count;

    /// <summary>Gives each another number.</summary>
    public void Renumber(Func<string, int> numberOf)
    {
        if (_many is null)
        {
            for (var i = 0; i < _few.Count; i++)
            {
                _few[i] = (_few[i].Id, numberOf(_few[i].Id));
            }

            return;
        }

        foreach (var agentId in _many.Keys.ToList())
        {
            _many[agentId] = numberOf(agentId);
        }
    }

    public bool TryGet(string agentId, out int number)
    {
        if (_many is not null)
        {
            return _many.TryGetValue(agentId, out number);
        }

        foreach (var known in _few)
        {
            if (known.Id == agentId)
            {
                number = known.Number;
                return true;
            }
        }

        number = 0;
        return false;
    }

    /// <summary>Adds an agent; it is not known yet.</summary>
    public void Add(string agentId, int number)
    {
        if (_few.Count < Few)
        {
            _few.Add((agentId, number));
            return;
        }

        _many ??= _few.ToDictionary(static known => known.Id, static known => known.Number, StringComparer.Ordinal);
        _many.Add(agentId, number);
    }
}
