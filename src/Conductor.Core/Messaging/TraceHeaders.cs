using System.Collections;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Conductor.Messaging;

/// <summary>
/// Headers with a trace context among them. Within a process the context is taken as it is; it becomes text when somebody reads it, as whoever
/// sends the message elsewhere does. Immutable.
/// </summary>
internal sealed class TraceHeaders : IReadOnlyDictionary<string, string>
{
    private readonly IReadOnlyDictionary<string, string> _others;
    private string? _traceParent;

    /// <summary>Puts a context among headers, in place of one that is there already.</summary>
    public TraceHeaders(ActivityContext context, IReadOnlyDictionary<string, string> headers)
    {
        Context = new ActivityContext(context.TraceId, context.SpanId, context.TraceFlags, context.TraceState, isRemote: true);
        _others = headers switch
        {
            { Count: 0 } => Snapshot.EmptyMap,
            TraceHeaders traced => traced._others,
            _ => Snapshot.Of(headers.Where(static header => !IsTrace(header.Key)).ToDictionary(StringComparer.Ordinal)),
        };
    }

    /// <summary>The context, as whoever gets the message sees it.</summary>
    public ActivityContext Context { get; }

    public int Count => _others.Count + (Context.TraceState is null ? 1 : 2);

    public IEnumerable<string> Keys => this.Select(static header => header.Key);

    public IEnumerable<string> Values => this.Select(static header => header.Value);

    /// <summary>As the W3C has it: version, trace, span and flags.</summary>
    private string TraceParent => _traceParent ??=
        $"00-{Context.TraceId.ToHexString()}-{Context.SpanId.ToHexString()}-{(Context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded) ? "01" : "00")}";

    public string this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"There is no header '{key}'.");

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value)
    {
        value = key switch
        {
            MessageHeaders.TraceParent => TraceParent,
            MessageHeaders.TraceState => Context.TraceState,
            _ => null,
        };
        return value is not null || (!IsTrace(key) && _others.TryGetValue(key, out value));
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator()
    {
        foreach (var header in _others)
        {
            yield return header;
        }

        yield return new(MessageHeaders.TraceParent, TraceParent);
        if (Context.TraceState is { } state)
        {
            yield return new(MessageHeaders.TraceState, state);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static bool IsTrace(string key) => key is MessageHeaders.TraceParent or MessageHeaders.TraceState;
}
