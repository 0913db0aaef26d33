using System.Collections.Concurrent;

namespace Conductor.Tests.Support;

/// <summary>Failures of tasks that nobody observed, of the whole process: whoever asks names what is theirs.</summary>
internal sealed class UnobservedFailures : IDisposable
{
    private readonly ConcurrentQueue<string> _all = new();

    public UnobservedFailures() => TaskScheduler.UnobservedTaskException += Note;

    /// <summary>Collects what nobody holds any more, and gives the failures that mention something.</summary>
    public IEnumerable<string> Of(string mentioned)
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return _all.Where(failure => failure.Contains(mentioned, StringComparison.Ordinal));
    }

    public void Dispose() => TaskScheduler.UnobservedTaskException -= Note;

    private void Note(object? sender, UnobservedTaskExceptionEventArgs failure) => _all.Enqueue(failure.Exception.ToString());
}
