using System.Runtime.InteropServices;
using Conductor.Threading;

namespace Conductor.Messaging;

/// <summary>
/// The messages that wait for the handler of a subscription. Publishers add them one at a time; whoever hands them to the handler claims all at once,
/// takes them one by one, and lingers for a moment before it goes. So the two seldom meet, and it seldom has to be begun anew: both cost several times what
/// a delivery does. What is claimed waits like the rest: it counts, makes room for newer ones, and is dropped at the end. Thread-safe, but one at a time
/// takes.
/// </summary>
/// <param name="capacity">How many may wait.</param>
/// <param name="fullMode">What happens to more.</param>
internal sealed class SubscriptionQueue(int capacity, QueueFullMode fullMode)
{
    /// <summary>Room for so many is made at first.</summary>
    private const int Few = 4;

    /// <summary>Some 4 µs on every machine: as long as it takes to hand over to another thread, or to publish some forty messages.</summary>
    private const int LingerIterations = 100;

    /// <summary>Where the last lingering was in vain, one end in so many lingers.</summary>
    private const int EndsPerLingering = 16;

    private BriefLock _gate = new();
    private Entry[] _added = [];
    private int _addedBegin;
    private int _addedEnd;
    private Entry[] _claimed = [];
    private int _claimedEnd;
    private TakenCount? _taken;
    private volatile bool _isBusy;
    private bool _isOverflowing;
    private bool _isClosed;
    private bool _lingeredInVain;
    private int _ends;
    private TaskCompletionSource? _quiet;

    /// <summary>Whether somebody takes the messages, or has been told to begin. As it is at the moment.</summary>
    public bool IsBusy => _isBusy;

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            using (_gate.Enter())
            {
                return AddedCount + ClaimedLeft;
            }
        }
    }

    private int AddedCount => _addedEnd - _addedBegin;

    /// <summary>Adds a message; one that is closed takes none.</summary>
    /// <param name="message">The message.</param>
    /// <param name="at">When, as a timestamp; 0 where nobody measures.</param>
    public Addition Add(AgentMessage message, long at)
    {
        using (_gate.Enter())
        {
            if (_isClosed)
            {
                return default;
            }

            var dropped = IsFull() ? Drop(message) : null;
            var isFirstDropped = dropped is not null && !_isOverflowing;
            _isOverflowing |= dropped is not null;
            if (!ReferenceEquals(dropped, message))
            {
                Append(new Entry(message, at));
            }

            var begins = !_isBusy;
            if (begins)
            {
                _isBusy = true;
            }

            return new Addition(dropped, isFirstDropped, begins);
        }
    }

    /// <summary>Takes the message that waits longest. When none is left, taking is over: whoever adds the next one begins it anew.</summary>
    public bool TryTake(out Entry entry)
    {
        if (TryTakeClaimed(out entry))
        {
            return true;
        }

        Linger();
        using (_gate.Enter())
        {
            if (_isClosed || !TryClaim())
            {
                entry = default;
                _isBusy = _isOverflowing = false;
                _quiet?.TrySetResult();
                return false;
            }

            return TryTakeClaimed(out entry);
        }
    }

    /// <summary>Takes no more messages, and gives back those that wait.</summary>
    public IReadOnlyList<Entry> Close()
    {
        var left = new List<Entry>();
        using (_gate.Enter())
        {
            _isClosed = true;
            while (TryTakeClaimed(out var entry))
            {
                left.Add(entry);
            }

            left.AddRange(_added[_addedBegin.._addedEnd]);
            (_added, _addedBegin, _addedEnd) = ([], 0, 0);
        }

        return left;
    }

    /// <summary>Over when nobody takes messages any more, after it was closed.</summary>
    public Task WhenQuiet()
    {
        TaskCompletionSource? quiet = null;
        using (_gate.Enter())
        {
            if (_isBusy)
            {
                quiet = _quiet ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        return quiet?.Task ?? Task.CompletedTask;
    }

    /// <summary>Of those claimed, how many nobody has taken. Under the lock.</summary>
    private int ClaimedLeft => _taken is null ? 0 : Math.Max(0, _claimedEnd - Volatile.Read(ref _taken.Value));

    /// <summary>Under the lock. (What is taken is looked at only where it matters: that memory is the taker's.)</summary>
    private bool IsFull() => AddedCount + _claimedEnd >= capacity && AddedCount + ClaimedLeft >= capacity;

    /// <summary>Makes room. Under the lock.</summary>
    /// <returns>What has to go; null where the handler has been given one at this moment.</returns>
    private AgentMessage? Drop(AgentMessage message) =>
        fullMode == QueueFullMode.DropNewest ? message
        : TryTakeClaimed(out var oldest) ? oldest.Message
        : AddedCount >= capacity ? TakeAdded().Message
        : null;

    /// <summary>Adds one behind the others. Under the lock.</summary>
    private void Append(Entry entry)
    {
        if (_addedEnd == _added.Length)
        {
            MakeRoom();
        }

        _added[_addedEnd++] = entry;
    }

    /// <summary>Moves what waits to the front, where more than half the place is empty there, or else to a larger place.</summary>
    private void MakeRoom()
    {
        var (waiting, empty) = (AddedCount, _addedBegin);
        var place = empty > waiting ? _added : new Entry[Math.Max(Few, 2 * _added.Length)];
        _added.AsSpan(empty, waiting).CopyTo(place);
        if (ReferenceEquals(place, _added))
        {
            Array.Clear(_added, waiting, empty);
        }

        (_added, _addedBegin, _addedEnd) = (place, 0, waiting);
    }

    private Entry TakeAdded()
    {
        var entry = _added[_addedBegin];
        _added[_addedBegin++] = default;
        return entry;
    }

    /// <summary>
    /// Claims all that waits, when all that was claimed before is taken: what it was in takes what is added from now on. Under the lock, which a publisher
    /// may wait for: nothing is moved.
    /// </summary>
    private bool TryClaim()
    {
        if (AddedCount == 0)
        {
            return false;
        }

        (_claimed, _added) = (_added, _claimed);
        (_taken ??= new TakenCount()).Value = _addedBegin;
        _claimedEnd = _addedEnd;
        _addedBegin = _addedEnd = 0;
        return true;
    }

    /// <summary>Takes the first of those claimed. By whoever takes messages, or by another under the lock: each place is had by one of them.</summary>
    private bool TryTakeClaimed(out Entry entry)
    {
        if (_taken is { } taken && Volatile.Read(ref taken.Value) < _claimedEnd
            && Interlocked.Increment(ref taken.Value) - 1 is var place && place < _claimedEnd)
        {
            entry = _claimed[place];
            _claimed[place] = default;
            return true;
        }

        entry = default;
        return false;
    }

    /// <summary>
    /// Waits for what a publisher is about to add. It looks at nothing meanwhile: the publisher would wait for the memory that is looked at.
    /// </summary>
    private void Linger()
    {
        if (AddedCount > 0 || Environment.ProcessorCount == 1 || (_lingeredInVain && ++_ends % EndsPerLingering != 0))
        {
            return;
        }

        Thread.SpinWait(LingerIterations);
        _lingeredInVain = AddedCount == 0;
    }

    /// <summary>A message that waits, and since when: 0 where nobody measures.</summary>
    internal readonly record struct Entry(AgentMessage Message, long AddedAt);

    /// <summary>What came of adding a message.</summary>
    /// <param name="Dropped">What had to go for want of room; null for nothing.</param>
    /// <param name="IsFirstDropped">Whether it is the first since there was room.</param>
    /// <param name="Begins">Whether taking has to be begun.</param>
    internal readonly record struct Addition(AgentMessage? Dropped, bool IsFirstDropped, bool Begins);

    /// <summary>How many of those claimed are taken: apart from what publishers look at, since it changes with each message.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 2 * CacheLine.Size)]
    private sealed class TakenCount
    {
        [FieldOffset(CacheLine.Size)]
        public int Value;
    }
}
