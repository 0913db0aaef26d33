using Conductor.Agents;

namespace CrashAndResume;

/// <summary>Buys what a course needs, once, and cooks it. The first time it cooks the fish, the program dies.</summary>
internal sealed class Cook(Ledger ledger) : BaseAgent<string, string>
{
    protected override async ValueTask<string> RunAsync(string course, TaskContext task, CancellationToken cancellationToken)
    {
        ledger.Write($"cook {course}, delivery {task.Delivery}");
        var receipt = await task.OnceAsync(
            "buy",
            _ =>
            {
                ledger.Write($"buy {course}");
                return ValueTask.FromResult($"receipt for {course}");
            },
            cancellationToken);
        if (course == "fish" && task.Delivery == 1)
        {
            // No chance to clean up: as if somebody had pulled the plug.
            Environment.FailFast("The kitchen is on fire.");
        }

        return receipt;
    }
}
