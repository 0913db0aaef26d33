using System.Runtime.CompilerServices;

namespace Conductor;

/// <summary>Adds tasks to one phase of a <see cref="WorkflowDefinitionBuilder"/>. Not thread-safe.</summary>
public sealed class PhaseBuilder
{
    private readonly WorkflowPhase _phase;
    private readonly List<TaskBuilder> _tasks;

    internal PhaseBuilder(WorkflowPhase phase, List<TaskBuilder> tasks)
    {
        _phase = phase;
        _tasks = tasks;
    }

    /// <summary>Adds a task without input.</summary>
    /// <param name="id">Its id, unique in the workflow, and its name.</param>
    /// <param name="type">The type of agent that can do it.</param>
    /// <exception cref="NoAgentTypeException">The type is nameless.</exception>
    public TaskBuilder Task(string id, AgentType type) => Add(id, type, TaskData.Empty);

    /// <summary>Adds a task with an input.</summary>
    /// <typeparam name="TInput">The input's type.</typeparam>
    /// <param name="id">Its id, unique in the workflow, and its name.</param>
    /// <param name="type">The type of agent that can do it.</param>
    /// <param name="input">What the agent gets.</param>
    /// <exception cref="NoAgentTypeException">The type is nameless.</exception>
    public TaskBuilder Task<TInput>(string id, AgentType type, TInput input) => Add(id, type, TaskData.From(input));

    /// <summary>Adds a task without input, for agents of a type given by its name.</summary>
    /// <param name="id">Its id, unique in the workflow, and its name.</param>
    /// <param name="type">The name of the type of agent that can do it.</param>
    [OverloadResolutionPriority(-1)]
    public TaskBuilder Task(string id, string type) => Add(id, new AgentType(type), TaskData.Empty);

    /// <summary>Adds a task with an input, for agents of a type given by its name.</summary>
    /// <typeparam name="TInput">The input's type.</typeparam>
    /// <param name="id">Its id, unique in the workflow, and its name.</param>
    /// <param name="type">The name of the type of agent that can do it.</param>
    /// <param name="input">What the agent gets.</param>
    [OverloadResolutionPriority(-1)]
    public TaskBuilder Task<TInput>(string id, string type, TInput input) => Add(id, new AgentType(type), TaskData.From(input));

    private TaskBuilder Add(string id, AgentType type, TaskData input)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        if (type.IsEmpty)
        {
            throw new NoAgentTypeException($"Task '{id}' was given no agent type. Name one: AgentType.Coding, or new AgentType(\"…\").");
        }

        var task = new TaskBuilder(new TaskDefinition { Id = id, Name = id, AgentType = type, Phase = _phase, Input = input });
        _tasks.Add(task);
        return task;
    }
}
