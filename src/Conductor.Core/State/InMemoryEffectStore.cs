namespace Conductor.State;

/// <summary>
/// Effects in memory, forgotten with the run or the task they belong to; those of tasks that never ended are forgotten in their order once
/// there are too many. Thread-safe.
/// </summary>
internal sealed class InMemoryEffectStore(StateManager store, int maxScopes, Func<string, bool> isKept) : EffectStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Dictionary<(string Key, string Name), TaskData>> _scopes = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();

    /// <summary>True while nothing is recorded. Looks without the lock: what is recorded at this moment belongs to a task under way.</summary>
    public bool IsEmpty => _scopes.Count == 0;

    public void Forget(string scope)
    {
        lock (_gate)
        {
            _scopes.Remove(scope);
        }
    }

    protected override ValueTask<TaskData?> GetCoreAsync(EffectKey key, CancellationToken cancellationToken)
    {
        store.ThrowIfNotConnected();
        lock (_gate)
        {
            return new ValueTask<TaskData?>(
                _scopes.TryGetValue(key.Scope, out var effects) ? effects.GetValueOrDefault((key.IdempotencyKey, key.Name)) : null);
        }
    }

    protected override ValueTask<TaskData> RecordCoreAsync(EffectKey key, TaskData value, CancellationToken cancellationToken)
    {
        store.ThrowIfNotConnected();
        lock (_gate)
        {
            if (!_scopes.TryGetValue(key.Scope, out var effects))
            {
                _scopes[key.Scope] = effects = [];
                _order.Enqueue(key.Scope);
                ForgetSurplus();
            }

            return new ValueTask<TaskData>(effects.TryAdd((key.IdempotencyKey, key.Name), value) ? value : effects[(key.IdempotencyKey, key.Name)]);
        }
    }

    /// <summary>Looks at a few of the oldest scopes: those already forgotten leave the order, those of kept runs go to its end.</summary>
    private void ForgetSurplus()
    {
        for (var looks = 0; _order.Count > maxScopes && looks < 8; looks++)
        {
            var oldest = _order.Dequeue();
            if (!_scopes.ContainsKey(oldest))
            {
                continue;
            }

            if (isKept(oldest))
            {
                _order.Enqueue(oldest);
            }
            else
            {
                _scopes.Remove(oldest);
            }
        }
    }
}
