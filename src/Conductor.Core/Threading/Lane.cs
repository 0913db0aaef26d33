using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Conductor.Threading;

/// <summary>
/// Brief work that a thread handed over while it did other work of ours: it comes next on this thread. Given to the thread pool, each item would wake another
/// thread, and what both then know of each other would travel between two processors: for brief work that takes longer than the work.
/// </summary>
/// <remarks>
/// Nothing waits here for long. Work that is not known to be brief goes to the thread pool at once, and so does all that it hands over. What waits goes there
/// when the thread has been at it for a slice and as much is left, and when <see cref="LaneWatch"/> finds a thread that does not come back. After some slices
/// what is left queues up behind the other work of the pool. The thread that has the lane adds to it and takes from it; the watch may empty it.
/// </remarks>
internal sealed class Lane : IThreadPoolWorkItem
{
    /// <summary>A lane that nobody uses is looked at so many times more: one in use is not put before the watch again and again.</summary>
    private const int MostIdleLooks = 20;

    /// <summary>Several times what a hand-over to another thread costs both: work that takes longer is worth one.</summary>
    public static readonly TimeSpan Slice = TimeSpan.FromMicroseconds(50);

    /// <summary>Then the other work of the pool has its turn.</summary>
    public static readonly TimeSpan MostAtOnce = TimeSpan.FromMilliseconds(1);

    [ThreadStatic]
    private static Lane? _own;

    private readonly Queue<ILaneItem> _items = new();

    /// <summary>Whether the thread does work of ours, or gathers. Its own.</summary>
    private bool _isHeld;

    /// <summary>Whether what the thread hands over waits here: while what it does is brief, as far as anybody knows.</summary>
    private volatile bool _isOpen;

    /// <summary>Whether no thread has it any more.</summary>
    private volatile bool _isRetired;

    /// <summary>How often the thread began something.</summary>
    private int _turns;

    // Under the lock, which nobody holds for longer than it takes to put an item in its place or to copy what waits, and which the watch alone
    // takes beside the thread.
    private BriefLock _gate = new();
    private bool _isWatched;
    private int _turnsSeen;
    private int _idleLooks;

    /// <summary>Has this done next on this thread, or by the thread pool.</summary>
    /// <param name="item">The work.</param>
    /// <param name="preferLocal">Whether the thread pool, too, has it done next on this thread unless another takes it.</param>
    public static void Add(ILaneItem item, bool preferLocal = true)
    {
        if (!item.IsBrief || _own is not { _isOpen: true } lane || !lane.TryAdd(item))
        {
            // Unsafe: the execution context of whoever hands it over must not leak into it.
            ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal);
        }
    }

    /// <summary>Does this, and then what it hands over. Called by the thread pool.</summary>
    public static void Run(ILaneItem item) => (_own ??= new Lane()).Work(item);

    /// <summary>
    /// What this thread hands over until the gathering is disposed of goes to the thread pool as one, as far as it is brief. (A thread that does work of ours
    /// does it next as ever.)
    /// </summary>
    public static Gathering Gather()
    {
        if (_own is { _isHeld: true })
        {
            return default;
        }

        var lane = _own ??= new Lane();
        lane.Turn(isBrief: true);
        return new Gathering(lane);
    }

    /// <summary>Looks whether the thread comes back, and gives what waits to others if not. To be called from time to time.</summary>
    /// <returns>Whether to look again.</returns>
    public bool Watch()
    {
        bool looksAgain;
        ILaneItem[] stuck = [];
        using (_gate.Enter())
        {
            var turns = Volatile.Read(ref _turns);
            var goesOn = turns != _turnsSeen;
            _turnsSeen = turns;
            _idleLooks = goesOn ? 0 : _idleLooks + 1;
            if (!goesOn)
            {
                stuck = TakeAll();
            }

            looksAgain = _isWatched = _idleLooks < (_isRetired ? 1 : MostIdleLooks);
        }

        GiveAway(stuck);
        return looksAgain;
    }

    /// <summary>Does what was gathered, or left. Called by the thread pool.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        _own?._isRetired = true;
        _own = this;
        if (TryTake(out var item))
        {
            Work(item);
        }
    }

    private void Work(ILaneItem first)
    {
        ILaneItem? item = first;
        var context = ThreadContext.Capture();
        var now = Stopwatch.GetTimestamp();
        var openedAt = now;
        var (sliceBegunAt, done, longest) = (now, 0, TimeSpan.Zero);
        do
        {
            Turn(item.IsBrief);
            item.Run();
            context.Restore();
            var begunAt = now;
            now = Stopwatch.GetTimestamp();
            var held = Stopwatch.GetElapsedTime(begunAt, now);
            item.Held(held);
            done++;
            longest = held > longest ? held : longest;
            var slice = Stopwatch.GetElapsedTime(sliceBegunAt, now);
            if (slice >= Slice)
            {
                // What waited for one that took long is begun sooner here than elsewhere.
                if (held < Slice)
                {
                    SpreadIfLong(done, slice, longest);
                }

                (sliceBegunAt, done, longest) = (now, 0, TimeSpan.Zero);
            }
        }
        while (Stopwatch.GetElapsedTime(openedAt, now) < MostAtOnce && TryTake(out item));
        Close(preferLocal: false);
    }

    /// <summary>The thread begins something.</summary>
    private void Turn(bool isBrief)
    {
        _isHeld = true;
        Volatile.Write(ref _turns, _turns + 1);
        _isOpen = isBrief;
    }

    /// <summary>What is left goes to the thread pool as one, with the lane.</summary>
    private void Close(bool preferLocal)
    {
        _isOpen = false;
        _isHeld = false;
        if (_items.Count > 0)
        {
            _own = null;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal);
        }
    }

    private bool TryAdd(ILaneItem item)
    {
        using (_gate.Enter())
        {
            if (!_isOpen)
            {
                return false;
            }

            _items.Enqueue(item);
            if (_isWatched)
            {
                return true;
            }

            _isWatched = true;
        }

        LaneWatch.Add(this);
        return true;
    }

    private bool TryTake([NotNullWhen(true)] out ILaneItem? item)
    {
        // Nobody else adds: what looks empty is.
        item = null;
        if (_items.Count == 0)
        {
            return false;
        }

        using (_gate.Enter())
        {
            return _items.TryDequeue(out item);
        }
    }

    /// <summary>
    /// Whether what waits will take another slice, going by what was done in this one but for the longest of it: that may be a run's loop, which
    /// hands over to a hundred agents and takes most of a slice, while each of them takes no time.
    /// </summary>
    /// <param name="waiting">How many wait.</param>
    /// <param name="done">How many were done.</param>
    /// <param name="time">How long they took together.</param>
    /// <param name="longest">How long the longest of them took.</param>
    public static bool TakesASlice(int waiting, int done, TimeSpan time, TimeSpan longest) => waiting > 0 && waiting * (time - longest) >= (done - 1) * Slice;

    private void SpreadIfLong(int done, TimeSpan time, TimeSpan longest)
    {
        ILaneItem[] waiting = [];
        using (_gate.Enter())
        {
            if (TakesASlice(_items.Count, done, time, longest))
            {
                waiting = TakeAll();
            }
        }

        GiveAway(waiting);
    }

    /// <summary>Takes what waits; what this thread hands over before it comes back does not wait. Under the lock.</summary>
    private ILaneItem[] TakeAll()
    {
        _isOpen = false;
        var all = _items.ToArray();
        _items.Clear();
        return all;
    }

    /// <summary>Gives work to other threads. Not under the lock: the pool may have to make a thread for it.</summary>
    private static void GiveAway(ILaneItem[] work)
    {
        foreach (var item in work)
        {
            ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
        }
    }

    /// <summary>See <see cref="Gather"/>.</summary>
    internal readonly ref struct Gathering(Lane? lane)
    {
        public void Dispose() => lane?.Close(preferLocal: true);
    }
}
