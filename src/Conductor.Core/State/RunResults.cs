namespace Conductor.State;

/// <summary>
/// The latest result of each task of a run, in one array by the task's number. What was handed out as a snapshot stays as it is: whoever changes
/// something after that changes a copy. While the run goes on the results of one that is not long are also there as they came; of a run that is
/// over only what is packed is kept. Not thread-safe.
/// </summary>
internal sealed class RunResults
{
    /// <summary>
    /// A run of more tasks has its results only packed: all of them would stay alive until it is over, and the collector would copy each of them.
    /// </summary>
    public const int MostToKeepMade = 1_000;

    private readonly string _workflowId;
    private TaskNumbers _numbers;
    private PackedResult[] _packed;

    /// <summary>The results as they came; null, or null in places, where they have to be put together.</summary>
    private TaskResult?[]? _made;
    private bool _numbersAreShared;
    private bool _packedIsShared;
    private int _count;

    /// <summary>The task that is expected to end next.</summary>
    private int _next;

    /// <summary>No results yet.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="definition">The definition whose tasks are expected; tasks it does not know may come all the same.</param>
    public RunResults(string workflowId, WorkflowDefinition? definition)
    {
        _workflowId = workflowId;
        _numbers = definition is null ? new TaskNumbers() : TaskNumbers.Of(definition);
        _numbersAreShared = definition is not null;
        _packed = new PackedResult[_numbers.Count];
        _made = _numbers.Count > MostToKeepMade ? null : new TaskResult?[_numbers.Count];
    }

    /// <summary>What was written.</summary>
    private RunResults(ref PackReader pack, string workflowId)
    {
        _workflowId = workflowId;
        _numbers = pack.TakeObject<TaskNumbers>()!;
        _numbersAreShared = true;
        _packed = new PackedResult[pack.TakeInt32()];
        for (var i = 0; i < _packed.Length; i++)
        {
            _packed[i] = PackedResult.Read(ref pack);
            _count += _packed[i].IsEmpty ? 0 : 1;
        }
    }

    /// <summary>For how many there are places.</summary>
    public int Places => _packed.Length;

    /// <summary>Whether a task has a result.</summary>
    public bool Has(string taskId) => TryFind(taskId, out _);

    /// <summary>The latest result of a task, if it is of this round.</summary>
    public TaskResult? Find(string taskId, int round) =>
        TryFind(taskId, out var number) && _packed[number].Round == round ? Make(taskId, number) : null;

    /// <summary>Keeps a result as the latest of its task, unless there is one of the same round.</summary>
    /// <param name="taskId">The task.</param>
    /// <param name="result">The result.</param>
    /// <param name="before">The result of another round in whose place it is now; null when there was none.</param>
    /// <returns>False when there is one of the same round.</returns>
    public bool TryAdd(string taskId, TaskResult result, out TaskResult? before)
    {
        before = null;
        var number = NumberOf(taskId);
        if (!_packed[number].IsEmpty)
        {
            if (_packed[number].Round == result.Round)
            {
                return false;
            }

            before = Make(taskId, number);
            _count--;
        }

        Own();
        _packed[number] = new PackedResult(result, _workflowId, new LazyId(taskId));
        _made?[number] = result;
        _count++;
        return true;
    }

    /// <summary>Takes the latest result of a task out.</summary>
    public TaskResult? Remove(string taskId)
    {
        if (!TryFind(taskId, out var number))
        {
            return null;
        }

        var result = Make(taskId, number);
        Own();
        _packed[number] = default;
        _made?[number] = null;
        _count--;
        return result;
    }

    /// <summary>The results as they are now.</summary>
    /// <param name="isLast">Whether no more are expected, so that only what is packed needs to be kept.</param>
    public ResultMap ToSnapshot(bool isLast = false)
    {
        (_numbersAreShared, _packedIsShared) = (true, true);
        var snapshot = new ResultMap(_workflowId, _numbers, _packed, _made, _count);
        _made = isLast ? null : _made;
        return snapshot;
    }

    /// <summary>Writes them down, as they are packed.</summary>
    public void WriteTo(ref PackWriter pack)
    {
        // All records that are read share them: whoever adds to them makes a copy first.
        _numbersAreShared = true;
        pack.PutObject(_numbers);
        pack.Put(_packed.Length);
        foreach (ref readonly var result in _packed.AsSpan())
        {
            result.WriteTo(ref pack);
        }
    }

    /// <summary>Reads what was written.</summary>
    public static RunResults Read(ref PackReader pack, string workflowId) => new(ref pack, workflowId);

    private TaskResult Make(string taskId, int number) => _made?[number] ?? _packed[number].ToResult(_workflowId, new LazyId(taskId));

    private bool TryFind(string taskId, out int number) => _numbers.TryFind(taskId, out number) && number < _packed.Length && !_packed[number].IsEmpty;

    private int NumberOf(string taskId)
    {
        if (!_numbers.TryFindNext(taskId, ref _next, out var number))
        {
            _numbers = _numbersAreShared ? _numbers.Copy() : _numbers;
            _numbersAreShared = false;
            number = _numbers.Add(taskId);
        }

        if (number >= _packed.Length)
        {
            var length = Math.Max(2 * _packed.Length, number + 4);
            Array.Resize(ref _packed, length);
            if (_made is not null)
            {
                Array.Resize(ref _made, length);
            }

            _packedIsShared = false;
        }

        return number;
    }

    private void Own()
    {
        if (_packedIsShared)
        {
            _packed = [.. _packed];
            _made = _made is null ? null : [.. _made];
            _packedIsShared = false;
        }
    }
}
