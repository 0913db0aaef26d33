using Conductor.Agents;

namespace Conductor.Testing;

/// <summary>One step of a script: what is done, and what comes of it.</summary>
internal sealed class ScriptStep
{
    private readonly List<Func<TaskContext, CancellationToken, ValueTask>> _parts = [];
    private int _deafFrom = int.MaxValue;

    public int Count => _parts.Count;

    public Func<TaskContext, CancellationToken, ValueTask<TaskData>> Outcome { get; set; } = static (_, _) => new ValueTask<TaskData>(TaskData.Empty);

    public void Add(Func<TaskContext, CancellationToken, ValueTask> part) => _parts.Add(part);

    public void IgnoreCancellationFrom(int part) => _deafFrom = Math.Min(_deafFrom, part);

    public async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        for (var i = 0; i < _parts.Count; i++)
        {
            await _parts[i](task, i < _deafFrom ? cancellationToken : CancellationToken.None).ConfigureAwait(false);
        }

        return await Outcome(task, _deafFrom == int.MaxValue ? cancellationToken : CancellationToken.None).ConfigureAwait(false);
    }
}
