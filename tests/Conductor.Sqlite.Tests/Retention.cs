using Microsoft.Extensions.Time.Testing;

namespace Conductor.Sqlite.Tests;

/// <summary>Retention at a time of a test's choice.</summary>
internal static class Retention
{
    /// <summary>Lets retention's timer come due, and waits until it has done what it does.</summary>
    public static async Task RunAsync(SqliteStateManager store, FakeTimeProvider time, TimeSpan? interval = null)
    {
        time.Advance(interval ?? SqliteStateOptions.DefaultRetentionInterval);
        long before;
        do
        {
            before = store.Written.Operations;
            for (var i = 0; i < 3; i++)
            {
                await store.WriteAsync(static _ => true, CancellationToken.None);
                await Task.Yield();
            }
        }
        while (store.Written.Operations > before + 3);
    }
}
