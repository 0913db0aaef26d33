using System.Runtime.InteropServices;
using Conductor.Threading;

namespace Conductor.Messaging;

/// <summary>
/// The messages that wait for the handler of a subscription. Publishers add them one at a time; whoever hands them to the handler claims several at once,
/// takes them one by one, and lingers for a moment before it goes. So the two seldom meet, and it seldom has to be begun anew: both cost several times what
/// a delivery does. What is claimed waits like the rest: it counts, makes room for newer ones, and is dropped at the end. Thread-safe, but one at a time
/// takes.
/// </summary>
/// <param name="capacity">How many may wait.</param>
/// <param name="fullMode">What happens to more.</param>
internal sealed class SubscriptionQueue(int capacity, QueueFullMode fullMode)
{
    /// <summary>More at once would save next to nothing.</summary>
    private const int MostClaimed = 32;

    /// <summary>Some 4 µs on every machine: as long as it takes to hand over to another thread, or to publish some forty messages.</summary>
    private const int LingerIterations = 100;

    /// <summary>Where the last lingering was in vain, one end in so many lingers.</summary>
    private const int EndsPerLingering = 16;

    private readonly Lock _gate = new();
    private readonly Queue<Entry> _added = new();
    private Entry[] _claimed = [];
    private int _claimedCount;
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
            lock (_gate)
            {
                return _added.Count + ClaimedLeft;
            }
        }
    }

    /// <summary>Adds a message; one that is closed takes none.</summary>
    /// <param name="message">The message.</param>
    /// <param name="at">When, as a timestamp; 0 where nobody measures.</param>
    public Addition Add(AgentMessage message, long at)
    {
        lock (_gate)
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
                _added.Enqueue(new Entry(message, at));
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
        lock (_gate)
        {
            if (_isClosed || !_added.TryDequeue(out entry))
            {
                entry = default;
                _isBusy = _isOverflowing = false;
                _quiet?.TrySetResult();
                return false;
            }

            Claim();
            return true;
        }
    }

    /// <summary>Takes no more messages, and gives back those that wait.</summary>
    public IReadOnlyList<Entry> Close()
    {
        var left = new List<Entry>();
        lock (_gate)
        {
            _isClosed = true;
            while (TryTakeClaimed(out var entry))
            {
                left.Add(entry);
            }

            left.AddRange(_added);
            _added.Clear();
        }

        return left;
    }

    /// <summary>Over when nobody takes messages any more, after it was closed.</summary>
    public Task WhenQuiet()
    {
        lock (_gate)
        {
            return _isBusy ? (_quiet ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
        }
    }

    /// <summary>Of those claimed, how many nobody has taken. Under the lock.</summary>
    private int ClaimedLeft => _taken is null ? 0 : Math.Max(0, _claimedCount - Volatile.Read(ref _taken.Value));

    /// <summary>Under the lock. (What is taken is looked at only where it matters: that memory is the taker's.)</summary>
    private bool IsFull() => _added.Count + _claimedCount >= capacity && _added.Count + ClaimedLeft >= capacity;

    /// <summary>Makes room. Under the lock.</summary>
    /// <returns>What has to go; null where the handler has been given one at this moment.</returns>
    private AgentMessage? Drop(AgentMessage message) =>
        fullMode == QueueFullMode.DropNewest ? message
        : TryTakeClaimed(out var oldest) || (_added.Count >= capacity && _added.TryDequeue(out oldest)) ? oldest.Message
        : null;

    /// <summary>Claims what waits, up to a limit, when all that was claimed before is taken. Under the lock.</summary>
    private void Claim()
    {
        var count = Math.Min(_added.Count, MostClaimed);
        if (count > 0)
        {
            if (_claimed.Length < count)
            {
                _claimed = new Entry[MostClaimed];
            }

            for (var place = 0; place < count; place++)
            {
                _claimed[place] = _added.Dequeue();
            }

            (_taken ??= new TakenCount()).Value = 0;
        }

        if (_claimedCount != count)
        {
            _claimedCount = count;
        }
    }

    /// <summary>Takes the first of those claimed. By whoever takes messages, or by another under the lock: each place is had by one of them.</summary>
    private bool TryTakeClaimed(out Entry entry)
    {
        if (_taken is { } taken && Volatile.Read(ref taken.Value) < _claimedCount
            && Interlocked.Increment(ref taken.Value) - 1 is var place && place < _claimedCount)
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
        if (_added.Count > 0 || Environment.ProcessorCount == 1 || (_lingeredInVain && ++_ends % EndsPerLingering != 0))
        {
            return;
        }

        Thread.SpinWait(LingerIterations);
        _lingeredInVain = _added.Count == 0;
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
