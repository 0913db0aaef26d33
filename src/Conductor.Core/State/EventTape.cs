using System.Buffers.Binary;

namespace Conductor.State;

/// <summary>
/// The events of a run as its loop notes them, packed into bytes one behind the other: that a task was started takes two or three, that it ended
/// seven. A step takes those since the step before, without a copy: what is on the tape stays as it is. <see cref="EventReader"/> reads it. Not
/// thread-safe: it belongs to one run's loop.
/// </summary>
/// <remarks>
/// An event is a byte that says what it is, and its parts. Time, phase and round stand before the first event of a step, and again where one of them
/// changes. An event that says anything else is kept as it is, and the tape has its number.
/// </remarks>
internal sealed class EventTape(string workflowId, WorkflowDefinition? definition, int expected)
{
    /// <summary>In the place of an event's kind: it is kept as it is.</summary>
    public const byte Whole = 0x0F;

    /// <summary>Beside an event's kind: time, phase and round follow.</summary>
    public const byte HasFrame = 0x80;

    // A longer run goes on on another tape when one is full. A store that keeps one event keeps its tape, so none is much longer than what is on it.
    private const int BytesPerEvent = 7;
    private const int FirstLength = 2_048;
    private const int MaxLength = 12_288;

    /// <summary>No event takes more.</summary>
    private const int MostPerEvent = 64;

    /// <summary>So many names at least are worth beginning anew.</summary>
    private const int ManyNames = 512;

    private EventNames _names = new(definition);
    private int _mostNames = ManyNames;
    private byte[] _tape = new byte[Math.Min((expected * BytesPerEvent) + MostPerEvent, FirstLength)];
    private int _begin;
    private int _end;
    private int _count;
    private bool _isFramed;
    private DateTimeOffset _now;
    private WorkflowPhase? _phase;
    private int _round;

    public bool IsEmpty => _count == 0;

    /// <summary>The position of the next event.</summary>
    public long NextPosition { get; private set; } = 1;

    /// <summary>
    /// Whether so much was named that it is to begin anew (<see cref="BeginAnew"/>). Whoever keeps one event keeps all that its tape names: of a run whose
    /// tasks fail again and again that would be every failure, however few events are kept.
    /// </summary>
    public bool HasManyNames => _names.Count >= _mostNames && IsEmpty;

    /// <summary>A number by which events name an agent.</summary>
    public int AddAgent(string agentId) => _names.Add(agentId);

    /// <summary>A task was started.</summary>
    public void AddStarted(int task, WorkflowPhase? phase, int round, DateTimeOffset now)
    {
        if (!TryBegin(WorkflowEventKind.TaskStarted, phase, round, now))
        {
            AddWhole(Event(WorkflowEventKind.TaskStarted, phase, round, now) with { TaskId = _names.TaskId(task), TaskStatus = AgentTaskStatus.InProgress });
            return;
        }

        Put((uint)task);
    }

    /// <summary>An attempt of a task failed, and another follows.</summary>
    public void AddRetrying(TaskRetry retry, WorkflowPhase? phase, int round, DateTimeOffset now) =>
        AddWhole(Event(WorkflowEventKind.TaskRetrying, phase, round, now) with
        {
            TaskId = retry.TaskId,
            AgentId = retry.AgentId,
            TaskStatus = AgentTaskStatus.InProgress,
            Attempts = retry.Attempts,
            Error = retry.Error,
            Message = retry.Delay > TimeSpan.Zero ? $"It is tried again after {retry.Delay}." : "It is tried again at once.",
        });

    /// <summary>A task ended, with this result.</summary>
    /// <param name="task">The task's number.</param>
    /// <param name="agent">The number of the result's agent; null for none.</param>
    /// <param name="result">The result.</param>
    /// <param name="phase">The phase.</param>
    /// <param name="round">The feedback round.</param>
    /// <param name="now">The time.</param>
    public void AddFinished(int task, int? agent, TaskResult result, WorkflowPhase? phase, int round, DateTimeOffset now)
    {
        if (result.Error is not null || result.TaskId != _names.TaskId(task) || !TryBegin(WorkflowEventKind.TaskFinished, phase, round, now))
        {
            AddWhole(Event(WorkflowEventKind.TaskFinished, phase, round, now) with
            {
                TaskId = result.TaskId,
                AgentId = result.AgentId,
                TaskStatus = result.Status,
                Attempts = result.Attempts,
                Duration = result.Duration,
                Error = result.Error,
            });
            return;
        }

        Put((uint)task);
        Put((uint)result.Status);
        Put((uint)(agent + 1 ?? 0));
        Put((uint)result.Attempts);
        Put((ulong)result.Duration.Ticks);
    }

    /// <summary>Something happened to the run itself.</summary>
    public void AddOfRun(WorkflowEventKind kind, string? message, WorkflowStatus? status, TaskError? error, WorkflowPhase? phase, int round, DateTimeOffset now)
    {
        if (error is not null || !TryBegin(kind, phase, round, now))
        {
            AddWhole(Event(kind, phase, round, now) with { WorkflowStatus = status, Error = error, Message = message });
            return;
        }

        Put((uint)((int?)status + 1 ?? 0));
        Put(message is null ? 0 : (uint)_names.Add(message) + 1);
    }

    /// <summary>An event as it is.</summary>
    public void AddWhole(WorkflowEvent happening)
    {
        MakeRoom();
        _tape[_end++] = Whole;
        Put((uint)_names.Add(happening));
        Count();
    }

    /// <summary>Takes the events since this was called last.</summary>
    public EventBatch Take()
    {
        var batch = new EventBatch(workflowId, NextPosition - _count, new EventStretch(_names, _tape, _begin, _end, _count));
        (_begin, _count, _isFramed) = (_end, 0, false);
        return batch;
    }

    /// <summary>Goes on on a tape of its own, without names: agents need new numbers. What was taken before stays as it is.</summary>
    /// <param name="agents">How many of those there are: where they are many, they must not be most of what is named anew.</param>
    public void BeginAnew(int agents) => (_names, _mostNames, _tape, _begin, _end, _isFramed) =
        (new EventNames(definition), Math.Max(ManyNames, 2 * agents), new byte[FirstLength], 0, 0, false);

    /// <summary>Goes on behind what the store has.</summary>
    public void Continue(long lastPosition) => NextPosition = lastPosition + 1;

    private WorkflowEvent Event(WorkflowEventKind kind, WorkflowPhase? phase, int round, DateTimeOffset now) => new()
    {
        Position = NextPosition,
        WorkflowId = workflowId,
        Kind = kind,
        Timestamp = now,
        Phase = phase,
        Round = round,
    };

    /// <summary>Begins an event, unless its phase has no number or its time is told by another clock: then it is one to be kept as it is.</summary>
    private bool TryBegin(WorkflowEventKind kind, WorkflowPhase? phase, int round, DateTimeOffset now)
    {
        if (_isFramed && round == _round && phase == _phase && now.EqualsExact(_now))
        {
            MakeRoom();
            _tape[_end++] = (byte)kind;
            Count();
            return true;
        }

        var number = phase is { } known ? _names.NumberOf(known) : -1;
        if ((phase is not null && number < 0) || now.Offset != TimeSpan.Zero)
        {
            return false;
        }

        (_isFramed, _now, _phase, _round) = (true, now, phase, round);
        MakeRoom();
        _tape[_end++] = (byte)((byte)kind | HasFrame);
        BinaryPrimitives.WriteInt64LittleEndian(_tape.AsSpan(_end), now.UtcTicks);
        _end += sizeof(long);
        Put((uint)(number + 1));
        Put((uint)round);
        Count();
        return true;
    }

    private void Count()
    {
        _count++;
        NextPosition++;
    }

    private void MakeRoom()
    {
        if (_end + MostPerEvent > _tape.Length)
        {
            var rest = _tape.AsSpan(_begin.._end);
            var next = new byte[Math.Max((2 * rest.Length) + MostPerEvent, Math.Min(2 * _tape.Length, MaxLength))];
            rest.CopyTo(next);
            (_tape, _begin, _end) = (next, 0, rest.Length);
        }
    }

    private void Put(ulong number) => _end += Varint.Write(_tape.AsSpan(_end), number);
}
