namespace Conductor.State;

/// <summary>
/// A result as it is kept. Of one that says nothing beside what every result does, only its output (of a small one the value) and its agent's id stay
/// alive, and the result is put together again when somebody asks for it: the collector copies what is kept for long, and every object of it. Any other
/// is kept as it is.
/// Its run and its task are known from where it is kept. Immutable; <c>default</c> is no result.
/// </summary>
internal readonly struct PackedResult
{
    /// <summary>The result itself, or what of its output is kept with the bits.</summary>
    private readonly object? _body;
    private readonly long _outputBits;
    private readonly string? _agentId;
    private readonly long _completedAt;
    private readonly TimeSpan _duration;
    private readonly ushort _attempts;
    private readonly byte _status;

    /// <summary>Packs a result.</summary>
    /// <param name="result">The result.</param>
    /// <param name="workflowId">The run that keeps it; null outside runs.</param>
    /// <param name="taskId">The id of the task for which it is kept.</param>
    public PackedResult(TaskResult result, string? workflowId, LazyId taskId)
    {
        _body = IsPlain(result, workflowId, taskId) ? result.Output.ToKept(out _outputBits) : result;
        _agentId = result.AgentId;
        _completedAt = result.CompletedAt.UtcTicks;
        _duration = result.Duration;
        _attempts = (ushort)result.Attempts;
        _status = (byte)result.Status;
        Round = result.Round;
    }

    private PackedResult(ref PackReader pack, object body)
    {
        _body = body;
        _outputBits = pack.TakeSigned();
        _agentId = pack.TakeObject<string>();
        _completedAt = pack.TakeTime();
        _duration = new TimeSpan(pack.TakeSigned());
        _attempts = (ushort)pack.Take();
        _status = (byte)pack.Take();
        Round = pack.TakeInt32();
    }

    public bool IsEmpty => _body is null;

    /// <summary>The feedback round it is of.</summary>
    public int Round { get; }

    /// <summary>The result.</summary>
    /// <param name="workflowId">The run that keeps it; null outside runs.</param>
    /// <param name="taskId">The id of the task for which it is kept.</param>
    public TaskResult ToResult(string? workflowId, LazyId taskId)
    {
        if (_body is TaskResult whole)
        {
            return whole;
        }

        var completedAt = new DateTimeOffset(_completedAt, TimeSpan.Zero);
        return new TaskResult(taskId, (AgentTaskStatus)_status)
        {
            WorkflowId = workflowId,
            Round = Round,
            AgentId = _agentId,
            Output = TaskData.FromKept(_body!, _outputBits),
            Attempts = _attempts,
            StartedAt = completedAt - _duration,
            CompletedAt = completedAt,
            Duration = _duration,
        };
    }

    /// <summary>Writes it down.</summary>
    public void WriteTo(ref PackWriter pack)
    {
        pack.PutObject(_body);
        if (IsEmpty)
        {
            return;
        }

        pack.PutSigned(_outputBits);
        pack.PutObject(_agentId);
        pack.PutTime(_completedAt);
        pack.PutSigned(_duration.Ticks);
        pack.Put(_attempts);
        pack.Put(_status);
        pack.Put(Round);
    }

    /// <summary>Reads what was written.</summary>
    public static PackedResult Read(ref PackReader pack) => pack.TakeObject<object>() is { } body ? new PackedResult(ref pack, body) : default;

    private static bool IsPlain(TaskResult result, string? workflowId, LazyId taskId) =>
        result is { Error: null, Feedback: null, Metadata.Count: 0, UnknownMembers: null }
        && result.Attempts is >= 0 and <= ushort.MaxValue
        && (int)result.Status is >= 0 and <= byte.MaxValue
        && result.WorkflowId == workflowId
        && result.LazyTaskId.Equals(taskId)
        && result.StartedAt.Offset == TimeSpan.Zero
        && result.CompletedAt.Offset == TimeSpan.Zero
        && result.StartedAt.Ticks == result.CompletedAt.Ticks - result.Duration.Ticks;
}
