using System.Diagnostics.CodeAnalysis;
using Conductor.State;

namespace Conductor.Testing;

/// <summary>
/// Lets virtual time pass as far as somebody waits for it, on one thread, however many wait: were there two, one would let time pass while the other
/// still looks whether there is work.
/// </summary>
/// <remarks>
/// Whoever has a certain time pass comes before those that wait for a task: these would let pass whatever it takes, and it would be another time.
/// Whoever waits within what another waits for is one more in the list, and holds up nobody.
/// </remarks>
internal sealed partial class TestHostDriver(
    VirtualTimeProvider time, RecordingMessageBus bus, StateManager state, CodeAtWork code, ConductorTestHostOptions options)
{
    // Nothing is set, nothing runs: only work that cannot be seen could still end the waiting, and it gets this long.
    private static readonly TimeSpan _nothingLeftLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(1);

    private readonly ThreadPoolActivity _activity = new(time, state, code, options.QuietPeriod);
    private readonly Lock _gate = new();
    private HostRequest[] _requests = [];

    // Who drives, under the lock.
    private Thread? _driver;

    // Of the thread that drives alone.
    private HostRequest? _driven;
    private long? _nothingLeftSince;

    /// <summary>Advances from timer to timer until a task is over.</summary>
    public Task RunUntilAsync(Task task, string awaited) =>
        task.IsCompleted ? Task.CompletedTask : Add(() => HostRequest.UntilOver(task, awaited, time.Elapsed));

    /// <summary>Lets a certain time pass, timer by timer.</summary>
    public Task AdvanceAsync(TimeSpan duration) => Add(() => HostRequest.For(duration, time.Elapsed));

    private static string Seconds(TimeSpan time) => FormattableString.Invariant($"{time.TotalSeconds:0.#} s");

    private static TimeSpan Smaller(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private Task Add(Func<HostRequest> make)
    {
        HostRequest request;
        Thread? begun = null;
        lock (_gate)
        {
            // Under the lock, as the clock is moved only there: what time it is for a request is certain.
            request = make();
            _requests = [.. _requests, request];
            if (_driver is null)
            {
                begun = _driver = NewThread(Drive);
            }
        }

        // Without the execution context of whoever happens to be the first.
        begun?.UnsafeStart();
        return AwaitAsync(request);
    }

    private async Task AwaitAsync(HostRequest request)
    {
        try
        {
            await request.End.ConfigureAwait(false);
        }
        finally
        {
            code.Arrive();
        }
    }

    /// <summary>Ends a request. No time passes before whoever made it goes on.</summary>
    private void End(HostRequest request, Exception? exception = null)
    {
        lock (_gate)
        {
            _requests = [.. _requests.Where(known => known != request)];
        }

        code.Expect();
        if (!request.TryEnd(exception))
        {
            code.Arrive();
        }
    }

    private static Thread NewThread(ThreadStart run) => new(run) { IsBackground = true, Name = "Conductor test host" };

    private void Drive()
    {
        while (TryChoose(out var request, out var requests))
        {
            try
            {
                if (request.Target is { } target)
                {
                    AdvanceOnce(request, target, requests);
                }
                else
                {
                    RunOnce(request, requests);
                }
            }
#pragma warning disable CA1031 // The callback of a timer may throw anything: it is thrown to whoever had time pass, and of several to the last.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                End(request, exception);
            }
        }
    }

    /// <summary>Ends the requests that are over and chooses the one to go on with.</summary>
    /// <param name="request">The one to go on with.</param>
    /// <param name="requests">Those it was chosen from: whoever comes later may have to be chosen in its place, and no time passes before.</param>
    /// <returns>False when there is none, or another thread drives: then this one ends.</returns>
    private bool TryChoose([NotNullWhen(true)] out HostRequest? request, out HostRequest[] requests)
    {
        request = null;
        foreach (var known in Volatile.Read(ref _requests))
        {
            if (known.IsDone)
            {
                End(known);
            }
            else if (IsOver(known))
            {
                End(known, Stuck(known, $"{Seconds(options.RealTimeLimit)} of real time were allowed"));
            }
        }

        lock (_gate)
        {
            requests = _requests;
            if (_driver != Thread.CurrentThread)
            {
                // It was blocked, and another took its place.
                return false;
            }

            request = requests.Where(static known => known.Target is not null).MinBy(static known => known.Target) ?? requests.LastOrDefault();
            if (request is null)
            {
                _driver = null;
            }
            else if (request != _driven)
            {
                request.SettlingSince = request.MomentSince = TimeProvider.System.GetTimestamp();
                _nothingLeftSince = null;
            }

            _driven = request;
            return request is not null;
        }
    }

    /// <summary>One step on the way to the end of a task.</summary>
    private void RunOnce(HostRequest request, HostRequest[] requests)
    {
        _activity.Settle(() => HasNews(requests));
        if (HasNews(requests))
        {
            return;
        }

        long lastNumber;
        bool isMoved;
        lock (_gate)
        {
            // Somebody may have asked for a certain time at this very moment.
            if (_requests != requests)
            {
                return;
            }

            isMoved = time.TryMoveToNextTimer(target: null, out lastNumber);
        }

        if (isMoved)
        {
            _nothingLeftSince = null;
            Fire(lastNumber);
            return;
        }

        _nothingLeftSince ??= TimeProvider.System.GetTimestamp();
        if (IsOver(_nothingLeftSince.Value, Smaller(_nothingLeftLimit, options.RealTimeLimit)))
        {
            throw Stuck(request, "No timer is set and nothing runs on the thread pool that could complete it");
        }

        SpinWait.SpinUntil(() => HasNews(requests), _pause);
    }

    /// <summary>One step on the way to a moment.</summary>
    private void AdvanceOnce(HostRequest request, TimeSpan target, HostRequest[] requests)
    {
        var limit = options.RealTimeLimit;
        _activity.Settle(() => HasNews(requests) || IsOver(request.SettlingSince, limit));
        if (IsOver(request.SettlingSince, limit))
        {
            throw Stuck(request, $"Something still worked after {Seconds(limit)} of real time");
        }

        if (HasNews(requests))
        {
            return;
        }

        if (request.HasArrived)
        {
            End(request);
            return;
        }

        var before = time.Elapsed;
        long lastNumber;
        lock (_gate)
        {
            if (_requests != requests)
            {
                return;
            }

            request.HasArrived = !time.TryMoveToNextTimer(target, out lastNumber);
        }

        var now = TimeProvider.System.GetTimestamp();
        if (time.Elapsed > before || request.HasArrived)
        {
            request.MomentSince = now;
        }
        else if (IsOver(request.MomentSince, limit))
        {
            throw Stuck(request, $"A timer was set for now again and again, for {Seconds(limit)} of real time, so that time could not pass");
        }

        request.SettlingSince = now;
        if (!request.HasArrived)
        {
            Fire(lastNumber);
        }
    }

    /// <summary>Whether there is something to look after before time passes: somebody came, or what somebody waits for is over.</summary>
    private bool HasNews(HostRequest[] requests) => Volatile.Read(ref _requests) != requests || Array.Exists(requests, known => known.IsDone || IsOver(known));

    /// <summary>Whether its real time is over. (Where a certain time is to pass, each step has as much.)</summary>
    private bool IsOver(HostRequest request) => request.Target is null && IsOver(request.MadeAt, options.RealTimeLimit);

    private static bool IsOver(long startedAt, TimeSpan limit) => TimeProvider.System.GetElapsedTime(startedAt) > limit;

    private StuckException Stuck(HostRequest request, string cause)
    {
        var last = bus.Published.TakeLast(5).Select(static message => $"{Environment.NewLine}  {message}").ToList();
        var next = time.TimeToNextTimer is { } due ? $"the next in {due}" : "none set";
        var others = _requests.Where(known => known != request).Select(static known => $"'{known.Awaited}'").ToList();
        return new StuckException(
            request.Awaited,
            $"{cause}. Virtual time passed meanwhile: {time.Elapsed - request.BegunAt}; timers: {time.TimerCount} ({next}). " +
            (others.Count == 0 ? string.Empty : $"Waited for at the same time: {string.Join(", ", others)}. ") +
            _activity.WhatHoldsTime() +
            (last.Count == 0 ? "Nothing was published." : $"The last messages published:{string.Concat(last)}"));
    }
}
