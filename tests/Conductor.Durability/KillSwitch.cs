using System.Diagnostics;

namespace Conductor.Durability;

/// <summary>Kills this process at the n-th point where state is written.</summary>
internal sealed class KillSwitch(int at)
{
    private int _passed;

    public void Pass()
    {
        if (Interlocked.Increment(ref _passed) == at)
        {
            KillThisProcess();
        }
    }

    public static void KillThisProcess()
    {
        // SIGKILL on Unix: nothing is cleaned up, nothing is flushed.
        Process.GetCurrentProcess().Kill();
        Thread.Sleep(Timeout.Infinite);
    }
}
