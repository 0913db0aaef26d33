using Conductor.Agents;

namespace Conductor.Testing;

/// <summary>
/// An agent that does what a script says and remembers what it was given:
/// <c>new ScriptedAgent(new AgentScript().Fails(ErrorCodes.LlmTimeout).Returns("done"))</c>.
/// </summary>
public sealed class ScriptedAgent : BaseAgent
{
    /// <summary>Makes an agent.</summary>
    /// <param name="script">What it does; several agents may share one. Default: one without steps, every task gives an empty output.</param>
    public ScriptedAgent(AgentScript? script = null) => Script = script ?? new AgentScript();

    /// <summary>Makes an agent that knows its identity.</summary>
    /// <param name="identity">Its identity.</param>
    /// <param name="script">What it does; several agents may share one. Default: one without steps, every task gives an empty output.</param>
    public ScriptedAgent(AgentIdentity identity, AgentScript? script = null)
        : base(identity) => Script = script ?? new AgentScript();

    /// <summary>What it does. More steps may be added while it works.</summary>
    public AgentScript Script { get; }

    /// <summary>The tasks that the script saw, an entry for each attempt, in order.</summary>
    public IReadOnlyList<SeenTask> Seen => Script.Seen;

    /// <inheritdoc />
    protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => Script.RunAsync(task, cancellationToken);
}
