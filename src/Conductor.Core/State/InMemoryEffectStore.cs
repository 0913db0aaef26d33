using Conductor.Threading;

namespace Conductor.State;

/// <summary>
/// Effects in memory. Those of a run are forgotten with it, those of a task outside workflows with its result: but none as long as a dead letter of
/// their execution may be replayed. What nothing else ends (its task has no result) goes by its age. Thread-safe.
/// </summary>
/// <param name="store">Whose effects they are.</param>
/// <param name="leases">Its leases: an effect that is recorded under one is not when it was lost.</param>
/// <param name="time">The clock.</param>
/// <param name="maxAge">How long after its last effect an execution is kept that nothing else ends.</param>
/// <param name="isKeptRun">Whether there is such a run.</param>
/// <param name="isKeptResult">Whether the result of a task outside workflows can be read.</param>
/// <param name="hasLetter">Whether there is a dead letter of an execution, which is named by scope and idempotency key.</param>
internal sealed class InMemoryEffectStore(
    StateManager store,
    InMemoryLeaseStore leases,
    TimeProvider time,
    TimeSpan maxAge,
    Func<string, bool> isKeptRun,
    Func<string, bool> isKeptResult,
    Func<string, string, bool> hasLetter) : EffectStore
{
    /// <summary>How many of the oldest executions are looked at when an effect is recorded.</summary>
    private const int LooksAtOnce = 8;

    private readonly CoarseClock _clock = new(time);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Dictionary<string, Execution>> _scopes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Execution> _byTask = new(StringComparer.Ordinal);

    /// <summary>All executions; the one whose last effect is the oldest comes first.</summary>
    private readonly LinkedList<Execution> _byAge = new();

    /// <summary>True while nothing is recorded. Looks without the lock: what is recorded at this moment belongs to a task under way.</summary>
    public bool IsEmpty => _scopes.Count == 0;

    /// <summary>A run is kept no longer.</summary>
    public void ForgetRun(string run)
    {
        lock (_gate)
        {
            if (_scopes.TryGetValue(run, out var executions))
            {
                foreach (var execution in executions.Values.Where(execution => !hasLetter(execution.Scope, execution.Key)).ToList())
                {
                    Remove(execution, static effect => effect.TaskId is null);
                }
            }
        }
    }

    /// <summary>The result of a task outside workflows is recorded: what it has recorded by now goes with that.</summary>
    public void EndTask(string taskId)
    {
        lock (_gate)
        {
            if (_byTask.TryGetValue(taskId, out var execution))
            {
                foreach (var effect in execution.OfTask(taskId))
                {
                    effect.HasEnded = true;
                }
            }
        }
    }

    /// <summary>The result of a task outside workflows is kept no longer. What it recorded since is of a later dispatch, which is under way.</summary>
    public void ForgetTask(string taskId)
    {
        lock (_gate)
        {
            if (!_byTask.TryGetValue(taskId, out var execution))
            {
                return;
            }

            if (!hasLetter(execution.Scope, execution.Key))
            {
                Remove(execution, effect => effect.HasEnded && effect.TaskId == taskId);
                return;
            }

            foreach (var effect in execution.OfTask(taskId).Where(static effect => effect.HasEnded))
            {
                effect.IsOnlyForLetter = true;
            }
        }
    }

    /// <summary>A dead letter of an execution is kept no longer.</summary>
    public void ForgetLetter(string scope, string key)
    {
        lock (_gate)
        {
            if (_scopes.TryGetValue(scope, out var executions) && executions.TryGetValue(key, out var execution) && !hasLetter(scope, key))
            {
                var isOfLostRun = scope != key && !isKeptRun(scope);
                Remove(execution, effect => effect.IsOnlyForLetter || (isOfLostRun && effect.TaskId is null));
            }
        }
    }

    protected override ValueTask<TaskData?> GetCoreAsync(EffectKey key, CancellationToken cancellationToken)
    {
        store.ThrowIfNotConnected();
        return new ValueTask<TaskData?>(Recorded(key));
    }

    protected override ValueTask<TaskData> RecordCoreAsync(EffectKey key, TaskData value, CancellationToken cancellationToken)
    {
        store.ThrowIfNotConnected();

        // The lease's gate is held over the record, so that no new owner can slip in between check and change.
        return leases.RunIfHeld(
            key.Lease, (Store: this, Key: key, Value: value), static effect => new ValueTask<TaskData>(effect.Store.Record(effect.Key, effect.Value)))
            ?? new ValueTask<TaskData>(Recorded(key) ?? throw StateManager.LeaseLost(key.Lease!.Name, key.Lease));
    }

    private TaskData? Recorded(EffectKey key)
    {
        lock (_gate)
        {
            return Find(key)?.Value;
        }
    }

    /// <summary>
    /// One of a task whose result is too old to be read is none, though nothing came since that would have had both forgotten: the task is dispatched anew.
    /// </summary>
    private Effect? Find(EffectKey key) =>
        _scopes.TryGetValue(key.Scope, out var executions) && executions.TryGetValue(key.IdempotencyKey, out var execution)
            && execution.Effects.TryGetValue(key.Name, out var effect)
            && (!effect.HasEnded || isKeptResult(effect.TaskId!) || hasLetter(key.Scope, key.IdempotencyKey))
            ? effect
            : null;

    private TaskData Record(EffectKey key, TaskData value)
    {
        lock (_gate)
        {
            if (Find(key) is { } known)
            {
                return known.Value;
            }

            if (!_scopes.TryGetValue(key.Scope, out var executions))
            {
                _scopes[key.Scope] = executions = new Dictionary<string, Execution>(StringComparer.Ordinal);
            }

            if (!executions.TryGetValue(key.IdempotencyKey, out var execution))
            {
                executions[key.IdempotencyKey] = execution = new Execution(key.Scope, key.IdempotencyKey);
                execution.Place = new LinkedListNode<Execution>(execution);
                _byAge.AddLast(execution.Place);
            }

            execution.Effects[key.Name] = new Effect(value, key.TaskId);
            if (key.TaskId is not null)
            {
                _byTask[key.TaskId] = execution;
            }

            Touch(execution);
            ForgetAged();
            return value;
        }
    }

    private void Touch(Execution execution)
    {
        execution.At = _clock.Now;
        _byAge.Remove(execution.Place!);
        _byAge.AddLast(execution.Place!);
    }

    /// <summary>What its run or its letter keeps goes with those: its turn comes again.</summary>
    private void ForgetAged()
    {
        for (var looks = 0; looks < LooksAtOnce && _byAge.First is { Value: var oldest } && _clock.Now - oldest.At > maxAge; looks++)
        {
            if (isKeptRun(oldest.Scope) || hasLetter(oldest.Scope, oldest.Key))
            {
                Touch(oldest);
            }
            else
            {
                Remove(oldest, static _ => true);
            }
        }
    }

    private void Remove(Execution execution, Func<Effect, bool> isForgotten)
    {
        foreach (var (name, effect) in execution.Effects.Where(entry => isForgotten(entry.Value)).ToList())
        {
            execution.Effects.Remove(name);
            if (effect.TaskId is { } taskId && !execution.OfTask(taskId).Any())
            {
                _byTask.Remove(taskId);
            }
        }

        if (execution.Effects.Count > 0)
        {
            return;
        }

        _byAge.Remove(execution.Place!);
        var executions = _scopes[execution.Scope];
        executions.Remove(execution.Key);
        if (executions.Count == 0)
        {
            _scopes.Remove(execution.Scope);
        }
    }

    private sealed class Execution(string scope, string key)
    {
        public string Scope => scope;

        public string Key => key;

        public Dictionary<string, Effect> Effects { get; } = new(StringComparer.Ordinal);

        /// <summary>When its last effect was recorded.</summary>
        public TimeSpan At { get; set; }

        public LinkedListNode<Execution>? Place { get; set; }

        public IEnumerable<Effect> OfTask(string taskId) => Effects.Values.Where(effect => effect.TaskId == taskId);
    }

    private sealed class Effect(TaskData value, string? taskId)
    {
        public TaskData Value => value;

        /// <summary>The task outside workflows that recorded it.</summary>
        public string? TaskId => taskId;

        /// <summary>Whether the result of that task is recorded.</summary>
        public bool HasEnded { get; set; }

        /// <summary>Whether that result is kept no longer.</summary>
        public bool IsOnlyForLetter { get; set; }
    }
}
