using Conductor.Agents;

namespace Policies;

/// <summary>Copies files, which takes a moment, and says who did it.</summary>
internal sealed class Clerk(Office office) : BaseAgent<string, string>
{
    /// <inheritdoc />
    protected override async ValueTask<string> RunAsync(string file, TaskContext task, CancellationToken cancellationToken)
    {
        using var presence = office.Enter();
        await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
        return $"{file} copied by {task.AgentId}";
    }
}
