using System.Globalization;

namespace Conductor.State;

/// <summary>Dead letters in the order they came. Thread-safe.</summary>
internal sealed class InMemoryDeadLetters
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, ErrorRecord> _byNumber = [];
    private readonly Dictionary<string, long> _numberById = new(StringComparer.Ordinal);
    private long _lastNumber;

    public (bool Added, ErrorRecord? Evicted) Save(ErrorRecord record, int limit)
    {
        lock (_gate)
        {
            if (_numberById.TryGetValue(record.Id, out var number))
            {
                _byNumber[number] = record;
                return (false, null);
            }

            var evicted = _byNumber.Count >= limit ? _byNumber.First().Value : null;
            if (evicted is not null)
            {
                Remove(evicted.Id);
            }

            _numberById[record.Id] = ++_lastNumber;
            _byNumber[_lastNumber] = record;
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

    public bool Delete(string id)
    {
        lock (_gate)
        {
            return Remove(id);
        }
    }

    public int Clear()
    {
        lock (_gate)
        {
            var count = _byNumber.Count;
            _byNumber.Clear();
            _numberById.Clear();
            return count;
        }
    }

    private bool Remove(string id) => _numberById.Remove(id, out var number) && _byNumber.Remove(number);
}
