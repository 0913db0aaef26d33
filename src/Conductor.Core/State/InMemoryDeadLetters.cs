using System.Globalization;

namespace Conductor.State;

/// <summary>Dead letters in the order they came. Thread-safe.</summary>
internal sealed class InMemoryDeadLetters
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, ErrorRecord> _byNumber = [];
    private readonly Dictionary<string, long> _numberById = new(StringComparer.Ordinal);

    /// <summary>How many letters there are of each execution; an effect names it in the same way.</summary>
    private readonly Dictionary<(string Scope, string Key), int> _executions = [];
    private long _lastNumber;

    /// <summary>Whether there is a letter of an execution.</summary>
    public bool Has(string scope, string key)
    {
        lock (_gate)
        {
            return _executions.ContainsKey((scope, key));
        }
    }

    /// <summary>Keeps a letter. Where there are as many as may be, one goes: that which a replay's own letter replaces, else the oldest.</summary>
    /// <returns>Whether there was none of its id, and the letter that went.</returns>
    public (bool Added, ErrorRecord? Evicted) Save(ErrorRecord record, int limit)
    {
        lock (_gate)
        {
            if (_numberById.TryGetValue(record.Id, out var number))
            {
                Count(_byNumber[number], -1);
                Count(record, 1);
                _byNumber[number] = record;
                return (false, null);
            }

            var evicted = _byNumber.Count < limit ? null : (record.ReplayOf is { } replaced ? Remove(replaced) : null) ?? Remove(_byNumber.First().Value.Id);
            _numberById[record.Id] = ++_lastNumber;
            _byNumber[_lastNumber] = record;
            Count(record, 1);
            return (true, evicted);
        }
    }

    public ErrorRecord? Get(string id)
    {
        lock (_gate)
        {
            return _numberById.TryGetValue(id, out var number) ? _byNumber[number] : null;
        }
    }

    public Page<ErrorRecord> List(PageRequest page)
    {
        var after = 0L;
        if (page.ContinuationToken is { } token && !long.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            throw page.UnreadableToken();
        }

        lock (_gate)
        {
            var items = _byNumber.SkipWhile(entry => entry.Key <= after).Take(page.Size + 1).ToList();
            var more = items.Count > page.Size;
            return new Page<ErrorRecord>
            {
                Items = [.. items.Take(page.Size).Select(static entry => entry.Value)],
                ContinuationToken = more ? items[page.Size - 1].Key.ToString(CultureInfo.InvariantCulture) : null,
            };
        }
    }

    /// <returns>The letter that was deleted, if there was one.</returns>
    public ErrorRecord? Delete(string id)
    {
        lock (_gate)
        {
            return Remove(id);
        }
    }

    /// <returns>The letters there were.</returns>
    public IReadOnlyCollection<ErrorRecord> Clear()
    {
        lock (_gate)
        {
            List<ErrorRecord> cleared = [.. _byNumber.Values];
            _byNumber.Clear();
            _numberById.Clear();
            _executions.Clear();
            return cleared;
        }
    }

    private ErrorRecord? Remove(string id)
    {
        if (!_numberById.Remove(id, out var number) || !_byNumber.Remove(number, out var removed))
        {
            return null;
        }

        Count(removed, -1);
        return removed;
    }

    private void Count(ErrorRecord letter, int change)
    {
        if (StateManager.ExecutionOf(letter) is not { } execution)
        {
            return;
        }

        var count = _executions.GetValueOrDefault(execution) + change;
        if (count > 0)
        {
            _executions[execution] = count;
        }
        else
        {
            _executions.Remove(execution);
        }
    }
}
