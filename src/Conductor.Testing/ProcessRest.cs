using System.Diagnostics;
using ThreadState = System.Diagnostics.ThreadState;

namespace Conductor.Testing;

/// <summary>
/// Tells when no thread of the process wants a processor: whatever holds threads of the pool then only waits, as a test runner does. How many
/// threads of the pool are busy says nothing about that: one that waited may have ended as another began to work.
/// </summary>
internal static class ProcessRest
{
    // One at a time: whoever looks wants a processor itself, and those that wait for their turn do not.
    private static readonly Lock _gate = new();
    private static readonly Process _process = Process.GetCurrentProcess();

    /// <summary>
    /// Whether nobody but the thread that asks wants a processor, and nothing is queued. Takes some 40 microseconds for each thread of the process.
    /// </summary>
    public static bool IsAtRest()
    {
        if (ThreadPool.PendingWorkItemCount > 0)
        {
            return false;
        }

        var completed = ThreadPool.CompletedWorkItemCount;
        lock (_gate)
        {
            _process.Refresh();
            var threads = _process.Threads;
            var wanting = 0;
            foreach (ProcessThread thread in threads)
            {
                wanting += WantsProcessor(thread) ? 1 : 0;
                thread.Dispose();
            }

            // The threads are looked at one after the other: what one hands to another meanwhile could be seen on neither.
            return wanting <= 1 && ThreadPool.PendingWorkItemCount == 0 && ThreadPool.CompletedWorkItemCount == completed;
        }
    }

    private static bool WantsProcessor(ProcessThread thread)
    {
        try
        {
            return thread.ThreadState is not (ThreadState.Wait or ThreadState.Terminated or ThreadState.Initialized);
        }
        catch (InvalidOperationException)
        {
            // It has ended meanwhile.
            return false;
        }
    }
}
