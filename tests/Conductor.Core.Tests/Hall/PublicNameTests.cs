namespace Conductor.Tests.Hall;

public sealed class PublicNameTests
{
    [Fact]
    public void PublicTypes_AreNotNamedLikeTheFrameworkOrTheNamespace() =>
        typeof(AgentType).Assembly.GetExportedTypes().Select(type => type.Name).Should().NotContain("TaskStatus").And.NotContain("Conductor");

    [Fact]
    public void ErrorCodes_OfTheDataModel_AllExist()
    {
        string[] listed =
        [
            "NO_AGENT_TYPE", "NO_AVAILABLE_AGENT", "AGENT_ALREADY_REGISTERED", "TASK_VALIDATION_FAILED", "AGENT_TIMEOUT", "POLICY_VIOLATION",
            "BUS_NOT_CONNECTED", "BUS_DISCONNECTED", "REQUEST_TIMEOUT", "STATE_NOT_CONNECTED", "STATE_CONFLICT", "MAX_FEEDBACK_LOOPS",
            "CIRCULAR_DEPENDENCY", "PHASE_GATE_FAILED", "WORKFLOW_TIMEOUT", "QUEUE_FULL", "CIRCUIT_OPEN", "LEASE_LOST", "STATE_CORRUPT",
            "UNKNOWN_ERROR", "LLM_TIMEOUT", "LLM_RATE_LIMIT", "TRANSIENT_ERROR",
        ];

        typeof(ErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!).Should().Contain(listed).And.OnlyHaveUniqueItems();
    }
}
