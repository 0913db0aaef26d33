using System.Buffers.Binary;

namespace Conductor.State;

/// <summary>Reads packed events, one after the other, as <see cref="EventTape"/> wrote them.</summary>
/// <param name="names">What they refer to by number.</param>
/// <param name="code">The events.</param>
internal ref struct EventReader(EventNames names, ReadOnlySpan<byte> code)
{
    private readonly EventNames _names = names;
    private ReadOnlySpan<byte> _rest = code;
    private DateTimeOffset _now;
    private int _phase;
    private int _round;
    private WorkflowEvent? _whole;
    private WorkflowEventKind _kind;
    private int _task;
    private int _status;
    private int _agentOrMessage;
    private int _attempts;
    private TimeSpan _duration;

    /// <summary>Goes to the next event. There must be one.</summary>
    public void Advance()
    {
        var head = TakeByte();
        if (head == EventTape.Whole)
        {
            _whole = (WorkflowEvent)_names.Other((int)Take());
            return;
        }

        _whole = null;
        _kind = (WorkflowEventKind)(head & ~EventTape.HasFrame);
        if ((head & EventTape.HasFrame) != 0)
        {
            _now = new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(_rest), TimeSpan.Zero);
            _rest = _rest[sizeof(long)..];
            _phase = (int)Take() - 1;
            _round = (int)Take();
        }

        switch (_kind)
        {
            case WorkflowEventKind.TaskStarted:
                _task = (int)Take();
                break;
            case WorkflowEventKind.TaskFinished:
                _task = (int)Take();
                _status = (int)Take();
                _agentOrMessage = (int)Take() - 1;
                _attempts = (int)Take();
                _duration = new TimeSpan((long)Take());
                break;
            default:
                _status = (int)Take() - 1;
                _agentOrMessage = (int)Take() - 1;
                break;
        }
    }

    /// <summary>The event that was gone to, as an object of its own.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="position">Its position.</param>
    public readonly WorkflowEvent ToEvent(string workflowId, long position)
    {
        if (_whole is not null)
        {
            return _whole;
        }

        var (isStart, isEnd) = (_kind == WorkflowEventKind.TaskStarted, _kind == WorkflowEventKind.TaskFinished);
        var isOfTask = isStart || isEnd;
        return new WorkflowEvent
        {
            Position = position,
            WorkflowId = workflowId,
            Kind = _kind,
            Timestamp = _now,
            Phase = _phase < 0 ? null : _names.Phase(_phase),
            Round = _round,
            TaskId = isOfTask ? _names.TaskId(_task) : null,
            TaskStatus = isStart ? AgentTaskStatus.InProgress : isEnd ? (AgentTaskStatus)_status : null,
            AgentId = isEnd ? Text : null,
            Attempts = isEnd ? _attempts : 0,
            Duration = isEnd ? _duration : null,
            WorkflowStatus = isOfTask || _status < 0 ? null : (WorkflowStatus)_status,
            Message = isOfTask ? null : Text,
        };
    }

    private readonly string? Text => _agentOrMessage < 0 ? null : (string)_names.Other(_agentOrMessage);

    private byte TakeByte()
    {
        var first = _rest[0];
        _rest = _rest[1..];
        return first;
    }

    private ulong Take() => Varint.Read(ref _rest);
}
