using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Conductor.Threading;

namespace Conductor.Workflows;

/// <summary>
/// The tasks of a run that are over, in their order, until its loop takes them: all that are there at once, so that they make one step together.
/// Any thread adds, the loop alone waits and takes.
/// </summary>
/// <param name="isBrief">Whether the last turn of a loop was brief. It outlives the run.</param>
/// <remarks>
/// The loop goes on on the thread pool, never within the call that adds: that one is an agent's, and what the loop does next (a commit, a gate, a
/// report) may take long. It queues up behind the agents that are about to run, so that what ends meanwhile shares its step.
/// </remarks>
internal sealed class FinishedTasks(StrongBox<bool> isBrief) : IValueTaskSource, ILaneItem
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _arrival;
    private RunningTask? _oldest;
    private RunningTask? _newest;
    private bool _isNudged;
    private bool _isAwaited;

    /// <inheritdoc />
    bool ILaneItem.IsBrief => isBrief.Value;

    public void Add(RunningTask task)
    {
        task.Next = null;
        lock (_gate)
        {
            _oldest ??= task;
            _newest?.Next = task;
            _newest = task;
            if (!_isAwaited)
            {
                return;
            }

            _isAwaited = false;
        }

        Wake();
    }

    /// <summary>Has the loop look round although no task ended.</summary>
    public void Nudge()
    {
        lock (_gate)
        {
            _isNudged = !_isAwaited;
            if (_isNudged)
            {
                return;
            }

            _isAwaited = false;
        }

        Wake();
    }

    /// <summary>
    /// Waits for a task, or a nudge. Where they are there already, too, the loop lets its thread do first what it handed over: otherwise it would take task by
    /// task from other threads, and go on handing over to them, as long as both keep pace.
    /// </summary>
    public ValueTask WaitAsync()
    {
        ValueTask arrival;
        lock (_gate)
        {
            _arrival.Reset();
            arrival = new ValueTask(this, _arrival.Version);
            _isAwaited = _oldest is null && !_isNudged;
            if (_isAwaited)
            {
                return arrival;
            }
        }

        Wake();
        return arrival;
    }

    /// <summary>Takes all, as a list of which this is the first; null when there are none.</summary>
    public RunningTask? TakeAll()
    {
        lock (_gate)
        {
            var all = _oldest;
            (_oldest, _newest, _isNudged) = (null, null, false);
            return all;
        }
    }

    void ILaneItem.Run() => _arrival.SetResult(true);

    /// <summary>A turn that hands over a hundred tasks takes a while; what it hands over comes after it all the same.</summary>
    void ILaneItem.Held(TimeSpan time) => isBrief.Value = time < Lane.MostAtOnce;

    void IValueTaskSource.GetResult(short token) => _arrival.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _arrival.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _arrival.OnCompleted(continuation, state, token, flags);

    private void Wake() => Lane.Add(this, preferLocal: false);
}
