using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Conductor.State;

/// <summary>
/// The latest results of a run at one moment, by task id, in the order of the definition. A result that is not there is put together when it is
/// first asked for.
/// Immutable and thread-safe.
/// </summary>
/// <param name="workflowId">The run.</param>
/// <param name="numbers">The place of each task; may know more tasks than there are places.</param>
/// <param name="packed">The results; nobody changes them any more.</param>
/// <param name="made">Those of them that exist already; null for none.</param>
/// <param name="count">How many there are.</param>
internal sealed class ResultMap(string workflowId, TaskNumbers numbers, PackedResult[] packed, TaskResult?[]? made, int count)
    : IReadOnlyDictionary<string, TaskResult>, IUnchanging
{
    private TaskResult?[]? _made = made;

    /// <summary>The task that is expected to be asked for next. Of several who ask at once each may disturb the others' guess, and no more.</summary>
    private int _next;

    public int Count => count;

    public IEnumerable<string> Keys => this.Select(static entry => entry.Key);

    public IEnumerable<TaskResult> Values => this.Select(static entry => entry.Value);

    public TaskResult this[string key] =>
        TryGetValue(key, out var result) ? result : throw new KeyNotFoundException($"Task '{key}' has no result in run '{workflowId}'.");

    public bool ContainsKey(string key) => TryFind(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out TaskResult value)
    {
        value = TryFind(key, out var number) ? Make(key, number) : null;
        return value is not null;
    }

    public IEnumerator<KeyValuePair<string, TaskResult>> GetEnumerator()
    {
        for (var number = 0; number < packed.Length && number < numbers.Count; number++)
        {
            if (!packed[number].IsEmpty)
            {
                yield return KeyValuePair.Create(numbers[number], Make(numbers[number], number));
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private bool TryFind(string key, out int number)
    {
        var next = _next;
        var isFound = numbers.TryFindNext(key, ref next, out number) && number < packed.Length && !packed[number].IsEmpty;
        _next = next;
        return isFound;
    }

    /// <summary>
    /// Made once: whoever asks twice sees one object. Of two who ask at the same moment each may get one of its own, and both are equal. (Those of a
    /// long run are made whenever somebody asks: kept, they would all stay alive with the snapshot.)
    /// </summary>
    private TaskResult Make(string taskId, int number)
    {
        if (packed.Length > RunResults.MostToKeepMade)
        {
            return packed[number].ToResult(workflowId, new LazyId(taskId));
        }

        var results = _made ?? Interlocked.CompareExchange(ref _made, new TaskResult?[packed.Length], null) ?? _made;
        return results[number] ??= packed[number].ToResult(workflowId, new LazyId(taskId));
    }
}
