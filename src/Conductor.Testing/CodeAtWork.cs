using Conductor.Agents;

namespace Conductor.Testing;

/// <summary>
/// Knows which threads of the pool run code of a host's agents, or of the body of a test, also where that goes on after a wait: it follows the execution
/// context, as a span does. Thread-safe.
/// </summary>
internal sealed class CodeAtWork
{
    private static readonly AsyncLocal<Flow?> _flow = new(OnChanged);

    private readonly Lock _gate = new();
    private readonly Dictionary<Thread, Flow> _threads = [];
    private readonly List<Thread> _displaced = [];
    private int _displacedCount;
    private int _expected;
    private long _turns;

    /// <summary>Grows each time that such code begins, goes on after a wait, or comes to one.</summary>
    public long Turns => Interlocked.Read(ref _turns);

    /// <summary>
    /// Whether such code is at work: it holds a thread of the pool, and that does not wait. What an attempt left running that is over does not count.
    /// </summary>
    public bool IsRunning
    {
        get
        {
            lock (_gate)
            {
                foreach (var (thread, flow) in _threads)
                {
                    if (IsAtWork(thread) && !flow.IsOver())
                    {
                        return true;
                    }
                }

                return false;
            }
        }
    }

    /// <summary>Whether something is about to begin, or to go on, that waits for a thread of the pool; or <see cref="IsDisplacedAtWork"/>.</summary>
    public bool IsExpected => Volatile.Read(ref _expected) > 0 || IsDisplacedAtWork;

    /// <summary>Whether a thread is at work that let time pass until what it ran there blocked it, or took too long.</summary>
    public bool IsDisplacedAtWork
    {
        get
        {
            if (Volatile.Read(ref _displacedCount) == 0)
            {
                return false;
            }

            lock (_gate)
            {
                return _displaced.Exists(IsAtWork);
            }
        }
    }

    /// <summary>The thread that calls is about to run the code of an agent.</summary>
    public void Enter(TaskContext attempt) => _flow.Value = new Flow(this, () => attempt.IsOver);

    /// <summary>Something is about to begin, or to go on, on a thread of the pool, once that has one. <see cref="Arrive"/> says that it has.</summary>
    public void Expect() => Interlocked.Increment(ref _expected);

    /// <summary>What was expected has begun, on the thread that calls.</summary>
    public void Arrive() => Interlocked.Decrement(ref _expected);

    /// <summary>The body of a test, to be run on the thread pool.</summary>
    /// <param name="body">The body.</param>
    /// <param name="begin">Begins it: it is expected until then.</param>
    /// <returns>Over when the body is.</returns>
    public Task<T> Prepare<T>(Func<Task<T>> body, out Action begin)
    {
        Task<T>? whole = null;
        var beginning = new Task<Task<T>>(
            () =>
            {
                _flow.Value = new Flow(this, () => whole!.IsCompleted);
                Arrive();
                return body();
            },
            CancellationToken.None,
            TaskCreationOptions.DenyChildAttach);
        whole = beginning.Unwrap();
        begin = () => beginning.Start(TaskScheduler.Default);
        Expect();
        return whole;
    }

    /// <summary>Another thread lets time pass in place of this one, which is blocked, or takes too long.</summary>
    public void Displace(Thread thread) => ChangeDisplaced(() => _displaced.Add(thread));

    /// <summary>A thread that may have been displaced is free again.</summary>
    public void Return(Thread thread) => ChangeDisplaced(() => _displaced.Remove(thread));

    private static bool IsAtWork(Thread thread) => (thread.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) == ThreadState.Running;

    private static void OnChanged(AsyncLocalValueChangedArgs<Flow?> args)
    {
        var thread = Thread.CurrentThread;
        args.PreviousValue?.Owner.Note(thread, flow: null);
        args.CurrentValue?.Owner.Note(thread, args.CurrentValue);
    }

    /// <summary>A thread begins, or goes on, with something, or comes to the end of it.</summary>
    private void Note(Thread thread, Flow? flow)
    {
        Interlocked.Increment(ref _turns);

        // One that somebody made may wait for ever in what is no wait of .NET's.
        if (!thread.IsThreadPoolThread)
        {
            return;
        }

        lock (_gate)
        {
            if (flow is null)
            {
                _threads.Remove(thread);
            }
            else
            {
                _threads[thread] = flow;
            }
        }
    }

    private void ChangeDisplaced(Action change)
    {
        lock (_gate)
        {
            change();
            Volatile.Write(ref _displacedCount, _displaced.Count);
        }
    }

    /// <summary>Code that belongs together, on whatever threads it runs.</summary>
    private sealed class Flow(CodeAtWork owner, Func<bool> isOver)
    {
        public CodeAtWork Owner => owner;

        public bool IsOver() => isOver();
    }
}
