namespace Conductor.State;

/// <summary>
/// The latest result of each task of a run, in one array by the task's number. What was handed out as a snapshot stays as it is: whoever changes
/// something after that changes a copy. Not thread-safe.
/// </summary>
internal sealed class RunResults
{
    private readonly string _workflowId;
    private Dictionary<string, int> _numbers;
    private PackedResult[] _packed;
    private bool _numbersAreShared;
    private bool _packedIsShared;
    private int _count;

    /// <summary>No results yet.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="definition">The definition whose tasks are expected; tasks it does not know may come all the same.</param>
    public RunResults(string workflowId, WorkflowDefinition? definition)
    {
        _workflowId = workflowId;
        _numbers = definition is null ? new Dictionary<string, int>(StringComparer.Ordinal) : TaskNumbers.Of(definition);
        _numbersAreShared = definition is not null;
        _packed = new PackedResult[_numbers.Count];
    }

    /// <summary>The latest result of a task, if it is of this round.</summary>
    public TaskResult? Find(string taskId, int round) =>
        TryFind(taskId, out var number) && _packed[number].Round == round ? _packed[number].ToResult(_workflowId, taskId) : null;

    public bool Has(string taskId, int round) => TryFind(taskId, out var number) && _packed[number].Round == round;

    /// <summary>Keeps a result; the task has none.</summary>
    public void Add(string taskId, TaskResult result)
    {
        var number = NumberOf(taskId);
        OwnPacked()[number] = new PackedResult(result, _workflowId, taskId);
        _count++;
    }

    /// <summary>Takes the latest result of a task out.</summary>
    public TaskResult? Remove(string taskId)
    {
        if (!TryFind(taskId, out var number))
        {
            return null;
        }

        var result = _packed[number].ToResult(_workflowId, taskId);
        OwnPacked()[number] = default;
        _count--;
        return result;
    }

    public ResultMap ToSnapshot()
    {
        (_numbersAreShared, _packedIsShared) = (true, true);
        return new ResultMap(_workflowId, _numbers, _packed, _count);
    }

    private bool TryFind(string taskId, out int number) => _numbers.TryGetValue(taskId, out number) && number < _packed.Length && !_packed[number].IsEmpty;

    private int NumberOf(string taskId)
    {
        if (!_numbers.TryGetValue(taskId, out var number))
        {
            _numbers = _numbersAreShared ? new Dictionary<string, int>(_numbers, StringComparer.Ordinal) : _numbers;
            _numbersAreShared = false;
            number = _numbers.Count;
            _numbers.Add(taskId, number);
        }

        if (number >= _packed.Length)
        {
            Array.Resize(ref _packed, Math.Max(2 * _packed.Length, number + 4));
            _packedIsShared = false;
        }

        return number;
    }

    private PackedResult[] OwnPacked()
    {
        _packed = _packedIsShared ? [.. _packed] : _packed;
        _packedIsShared = false;
        return _packed;
    }
}
