using Conductor.Agents;

namespace Conductor.Testing;

/// <summary>
/// What a <see cref="ScriptedAgent"/> does, attempt by attempt: each step ends with what comes of it (<see cref="Returns{T}"/>,
/// <see cref="Throws"/>, <see cref="Fails"/>), and before that may wait, send feedback or run code. The last step is repeated. Several
/// agents may share one script: each attempt takes the next step, whichever agent makes it.
/// </summary>
/// <remarks>
/// Thread-safe; more steps may be added while agents work, by one thread at a time. A step counts once it is ended: until then the last one before it is
/// repeated. Where there is none, an attempt does what is there when it begins and gives an empty output, without using the step up; so does a script
/// without steps.
/// </remarks>
public sealed class AgentScript
{
    private readonly Lock _gate = new();
    private readonly List<ScriptStep> _steps = [];
    private readonly List<SeenTask> _seen = [];
    private readonly List<(int Count, TaskCompletionSource Reached)> _waiters = [];
    private ScriptStep _open = new();
    private int _next;

    /// <summary>The tasks that were seen, an entry for each attempt, in order.</summary>
    public IReadOnlyList<SeenTask> Seen
    {
        get
        {
            lock (_gate)
            {
                return [.. _seen];
            }
        }
    }

    /// <summary>Ends the step: the task gives out a value.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="value">The value.</param>
    public AgentScript Returns<T>(T value) => End((_, _) => new ValueTask<TaskData>(TaskData.From(value)));

    /// <summary>Ends the step: the task gives out what a function makes of it.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="make">The function.</param>
    public AgentScript ReturnsFrom<T>(Func<TaskContext, T> make)
    {
        ArgumentNullException.ThrowIfNull(make);
        return End((task, _) => new ValueTask<TaskData>(TaskData.From(make(task))));
    }

    /// <summary>Ends the step: the agent throws.</summary>
    /// <param name="exception">What it throws.</param>
    public AgentScript Throws(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return End((_, _) => throw exception);
    }

    /// <summary>Ends the step: the result is FAILED without an exception.</summary>
    /// <param name="code">One of <see cref="ErrorCodes"/>, or your own.</param>
    /// <param name="message">What happened.</param>
    /// <param name="isTransient">Whether trying again may help. Default: null, the code decides.</param>
    public AgentScript Fails(string code, string message = "scripted failure", bool? isTransient = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(code);
        return End((task, _) =>
        {
            task.Fail(code, message, isTransient);
            return new ValueTask<TaskData>(TaskData.Empty);
        });
    }

    /// <summary>Ends the step: the agent never returns of itself, only when it is cancelled.</summary>
    public AgentScript Hangs() => End(static async (task, token) =>
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, task.TimeProvider, token).ConfigureAwait(false);
        return TaskData.Empty;
    });

    /// <summary>Within the step: waits by the task's clock.</summary>
    /// <param name="delay">How long: zero or more.</param>
    public AgentScript Delays(TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        return Does((task, token) => new ValueTask(Task.Delay(delay, task.TimeProvider, token)));
    }

    /// <summary>Within the step: waits for a signal of the test's own.</summary>
    /// <param name="signal">The signal.</param>
    public AgentScript WaitsFor(Task signal)
    {
        ArgumentNullException.ThrowIfNull(signal);
        return Does((_, token) => new ValueTask(signal.WaitAsync(token)));
    }

    /// <summary>Within the step: what follows in it is not told that it was cancelled.</summary>
    public AgentScript IgnoresCancellation()
    {
        lock (_gate)
        {
            _open.IgnoreCancellation();
        }

        return this;
    }

    /// <summary>Within the step: sends findings back.</summary>
    /// <param name="severity">How grave it is.</param>
    /// <param name="finding">What was found.</param>
    /// <param name="affected">Ids of the tasks it concerns. Default: the whole phase.</param>
    public AgentScript SendsBack(FeedbackSeverity severity, string finding, params string[] affected) => Does((task, _) =>
    {
        task.SendBack(severity, finding, affected);
        return ValueTask.CompletedTask;
    });

    /// <summary>Within the step: runs code of the test's own.</summary>
    /// <param name="code">The code.</param>
    public AgentScript Does(Func<TaskContext, CancellationToken, ValueTask> code)
    {
        ArgumentNullException.ThrowIfNull(code);
        lock (_gate)
        {
            _open.Add(code);
        }

        return this;
    }

    /// <summary>Completes when so many attempts have begun.</summary>
    /// <param name="count">How many, counted from the first of all; at least 1.</param>
    public Task WaitUntilSeenAsync(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        lock (_gate)
        {
            if (_seen.Count >= count)
            {
                return Task.CompletedTask;
            }

            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((count, waiter));
            return waiter.Task;
        }
    }

    internal ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        ScriptStep step;
        List<TaskCompletionSource> reached;
        lock (_gate)
        {
            _seen.Add(SeenTask.Of(task));
            reached = [.. _waiters.Where(waiter => waiter.Count <= _seen.Count).Select(static waiter => waiter.Reached)];
            _waiters.RemoveAll(waiter => waiter.Count <= _seen.Count);
            step = Take();
        }

        reached.ForEach(static waiter => waiter.TrySetResult());
        return step.RunAsync(task, cancellationToken);
    }

    /// <summary>Under the lock. What is repeated is not counted: steps that are added later are all taken.</summary>
    private ScriptStep Take() =>
        _next < _steps.Count ? _steps[_next++]
        : _steps.Count > 0 ? _steps[^1]
        : _open.Copy();

    private AgentScript End(Func<TaskContext, CancellationToken, ValueTask<TaskData>> outcome)
    {
        lock (_gate)
        {
            _open.Outcome = outcome;
            _steps.Add(_open);
            _open = new ScriptStep();
        }

        return this;
    }
}
