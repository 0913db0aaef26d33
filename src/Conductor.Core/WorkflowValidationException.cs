namespace Conductor;

/// <summary>
/// A workflow definition is not valid, or not one that the run of the id goes on with; one exception names everything that is wrong with it. Its code
/// is CIRCULAR_DEPENDENCY when tasks depend on each other in a circle, TASK_VALIDATION_FAILED otherwise.
/// </summary>
public sealed class WorkflowValidationException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="definitionName">The definition.</param>
    /// <param name="errorCode">The code.</param>
    /// <param name="problems">Everything that is wrong with it.</param>
    public WorkflowValidationException(string definitionName, string errorCode, IReadOnlyList<string> problems)
        : this($"Workflow '{definitionName}' is not valid", definitionName, errorCode, problems)
    {
    }

    private WorkflowValidationException(string what, string definitionName, string errorCode, IReadOnlyList<string> problems)
        : base(errorCode, $"{what}:{string.Concat((problems ?? []).Select(problem => $"{Environment.NewLine}- {problem}"))}")
    {
        DefinitionName = definitionName;
        Problems = Snapshot.Of(problems);
    }

    /// <summary>The definition.</summary>
    public string DefinitionName { get; }

    /// <summary>Everything that is wrong with it, a sentence each.</summary>
    public IReadOnlyList<string> Problems { get; }

    /// <summary>Nothing is wrong with the definition, but the id is that of a run that does not go on with it.</summary>
    internal static WorkflowValidationException OfRun(string runId, string definitionName, IReadOnlyList<string> problems) => new(
        $"Run '{runId}' does not go on with workflow '{definitionName}'", definitionName, ErrorCodes.TaskValidationFailed, problems);
}
