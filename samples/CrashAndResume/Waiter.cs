using Conductor.Agents;

namespace CrashAndResume;

/// <summary>Writes the bill.</summary>
internal sealed class Waiter(Ledger ledger) : BaseAgent<string, string>
{
    protected override ValueTask<string> RunAsync(string input, TaskContext task, CancellationToken cancellationToken)
    {
        ledger.Write("bill");
        return ValueTask.FromResult("paid");
    }
}
