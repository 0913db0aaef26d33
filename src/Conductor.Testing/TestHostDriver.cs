using Conductor.State;

namespace Conductor.Testing;

/// <summary>Lets virtual time pass as far as somebody waits for it, on a thread of its own.</summary>
internal sealed class TestHostDriver(VirtualTimeProvider time, RecordingMessageBus bus, StateManager state, ConductorTestHostOptions options)
{
    // Nothing is set, nothing runs: only work that cannot be seen could still end the waiting, and it gets this long.
    private static readonly TimeSpan _nothingLeftLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(1);

    private readonly ThreadPoolActivity _activity = new(time, state, options.QuietPeriod);

    /// <summary>Advances from timer to timer until something is so.</summary>
    public Task RunUntilAsync(Func<bool> isDone, string awaited) => isDone() ? Task.CompletedTask : OnOwnThread(() => Drive(isDone, awaited));

    /// <summary>Lets a certain time pass, timer by timer.</summary>
    public Task AdvanceAsync(TimeSpan duration) => OnOwnThread(() =>
    {
        var target = time.Elapsed + duration;
        var virtualStart = time.Elapsed;
        var momentBeganAt = TimeProvider.System.GetTimestamp();
        Settle(duration, virtualStart);
        while (time.TimeToNextTimer is { } next && time.Elapsed + next <= target)
        {
            if (next > TimeSpan.Zero)
            {
                momentBeganAt = TimeProvider.System.GetTimestamp();
            }
            else if (IsOver(momentBeganAt))
            {
                throw Stuck(
                    $"the passing of {duration}",
                    $"A timer was set for now again and again, for {Seconds(options.RealTimeLimit)} of real time, so that time could not pass",
                    virtualStart);
            }

            time.AdvanceToNextTimer();
            Settle(duration, virtualStart);
        }

        // (A timer that went away at the very moment may have let time pass to the next one.)
        time.Advance(target > time.Elapsed ? target - time.Elapsed : TimeSpan.Zero);
        Settle(duration, virtualStart);
    });

    /// <summary>Waits until work has come to rest after one tick, as long as a wait may take.</summary>
    private void Settle(TimeSpan duration, TimeSpan virtualStart)
    {
        var startedAt = TimeProvider.System.GetTimestamp();
        _activity.Settle(() => IsOver(startedAt));
        if (IsOver(startedAt))
        {
            throw Stuck($"the passing of {duration}", $"Something still worked after {Seconds(options.RealTimeLimit)} of real time", virtualStart);
        }
    }

    private bool IsOver(long startedAt) => TimeProvider.System.GetElapsedTime(startedAt) > options.RealTimeLimit;

    private static Task OnOwnThread(Action action) => Task.Factory.StartNew(
        action, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.RunContinuationsAsynchronously, TaskScheduler.Default);

    private static string Seconds(TimeSpan time) => FormattableString.Invariant($"{time.TotalSeconds:0.#} s");

    private static TimeSpan Smaller(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private void Drive(Func<bool> isDone, string awaited)
    {
        var real = TimeProvider.System;
        var startedAt = real.GetTimestamp();
        var virtualStart = time.Elapsed;
        long? nothingLeftSince = null;
        while (true)
        {
            _activity.Settle(() => isDone() || IsOver(startedAt));
            if (isDone())
            {
                return;
            }

            if (IsOver(startedAt))
            {
                throw Stuck(awaited, $"{Seconds(options.RealTimeLimit)} of real time were allowed", virtualStart);
            }

            if (time.AdvanceToNextTimer())
            {
                nothingLeftSince = null;
                continue;
            }

            nothingLeftSince ??= real.GetTimestamp();
            if (real.GetElapsedTime(nothingLeftSince.Value) > Smaller(_nothingLeftLimit, options.RealTimeLimit))
            {
                throw Stuck(awaited, "No timer is set and nothing runs on the thread pool that could complete it", virtualStart);
            }

            SpinWait.SpinUntil(isDone, _pause);
        }
    }

    private StuckException Stuck(string awaited, string cause, TimeSpan virtualStart)
    {
        var last = bus.Published.TakeLast(5).Select(static message => $"{Environment.NewLine}  {message}").ToList();
        var next = time.TimeToNextTimer is { } due ? $"the next in {due}" : "none set";
        return new StuckException(
            awaited,
            $"{cause}. Virtual time passed meanwhile: {time.Elapsed - virtualStart}; timers: {time.TimerCount} ({next}). " +
            (last.Count == 0 ? "Nothing was published." : $"The last messages published:{string.Concat(last)}"));
    }
}
