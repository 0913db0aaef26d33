using System.Globalization;

namespace Conductor.Durability;

/// <summary>What a victim is told on its command line.</summary>
internal sealed class WorkerOptions
{
    public required string Database { get; init; }

    /// <summary>The folder of the logs outside the store; each process writes a file of its own.</summary>
    public required string Logs { get; init; }

    /// <summary>Workflows to start, if they are not started yet.</summary>
    public int Workflows { get; init; }

    /// <summary>Only start them, and leave them to others.</summary>
    public bool OnlyStart { get; init; }

    /// <summary>Die at the n-th point where state is written; 0 for never.</summary>
    public int KillAt { get; init; }

    public bool Fence { get; init; } = true;

    /// <summary>How often a process may die under a task. The victims die for no fault of theirs: by default without limit.</summary>
    public int MaxCrashes { get; init; } = 1_000_000;

    /// <summary>Runs one workflow with a task that kills its process.</summary>
    public bool Poison { get; init; }

    public TimeSpan Lease { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a task takes at most.</summary>
    public int TaskMilliseconds { get; init; } = 10;

    public static WorkerOptions Parse(string[] args)
    {
        var values = args.Select(static argument => argument.Split('=', 2))
            .ToDictionary(static pair => pair[0], static pair => pair[1], StringComparer.Ordinal);
        return new WorkerOptions
        {
            Database = values["db"],
            Logs = values["logs"],
            Workflows = Number("workflows", 0),
            OnlyStart = Number("only-start", 0) == 1,
            KillAt = Number("kill-at", 0),
            Fence = Number("fence", 1) == 1,
            MaxCrashes = Number("max-crashes", 1_000_000),
            Poison = Number("poison", 0) == 1,
            Lease = TimeSpan.FromMilliseconds(Number("lease", 500)),
            TaskMilliseconds = Number("task", 10),
        };

        int Number(string name, int otherwise) => values.TryGetValue(name, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
    }

    public string[] ToArguments() =>
    [
        "work", $"db={Database}", $"logs={Logs}", $"workflows={Workflows}", $"only-start={(OnlyStart ? 1 : 0)}",
        $"kill-at={KillAt}", $"fence={(Fence ? 1 : 0)}",
        $"max-crashes={MaxCrashes}", $"poison={(Poison ? 1 : 0)}", $"lease={Lease.TotalMilliseconds}", $"task={TaskMilliseconds}",
    ];
}
