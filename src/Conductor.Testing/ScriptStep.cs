using Conductor.Agents;

namespace Conductor.Testing;

/// <summary>One step of a script: what is done, and what comes of it. Built under the script's lock; nothing changes it once it is ended.</summary>
internal sealed class ScriptStep
{
    private List<Func<TaskContext, CancellationToken, ValueTask>> _parts = [];
    private int _deafFrom = int.MaxValue;

    public Func<TaskContext, CancellationToken, ValueTask<TaskData>> Outcome { get; set; } = static (_, _) => new ValueTask<TaskData>(TaskData.Empty);

    public void Add(Func<TaskContext, CancellationToken, ValueTask> part) => _parts.Add(part);

    public void IgnoreCancellation() => _deafFrom = Math.Min(_deafFrom, _parts.Count);

    /// <summary>The step as it is now.</summary>
    public ScriptStep Copy() => new() { _parts = [.. _parts], _deafFrom = _deafFrom, Outcome = Outcome };

    public async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        for (var i = 0; i < _parts.Count; i++)
        {
            await _parts[i](task, i < _deafFrom ? cancellationToken : CancellationToken.None).ConfigureAwait(false);
        }

        return await Outcome(task, _deafFrom == int.MaxValue ? cancellationToken : CancellationToken.None).ConfigureAwait(false);
    }
}
