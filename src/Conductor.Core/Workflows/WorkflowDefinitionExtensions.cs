namespace Conductor.Workflows;

/// <summary>What can be said of a workflow before it is started.</summary>
public static class WorkflowDefinitionExtensions
{
    /// <summary>
    /// Refuses a definition that could not be started, as starting it would: for tests, and for programs that build definitions from what users
    /// give. (Only retry settings of tasks that do not fit the settings of the program are found at the start alone.)
    /// </summary>
    /// <param name="definition">The definition.</param>
    /// <returns>The same definition.</returns>
    /// <exception cref="WorkflowValidationException">It is not valid; the error names everything that is wrong.</exception>
    public static WorkflowDefinition EnsureValid(this WorkflowDefinition definition)
    {
        WorkflowValidation.ThrowIfInvalid(definition, errors: null);
        return definition;
    }
}
