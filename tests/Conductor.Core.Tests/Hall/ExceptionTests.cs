namespace Conductor.Tests.Hall;

public sealed class ExceptionTests
{
    public static TheoryData<ConductorException, string> Codes => new()
    {
        { new NoAgentTypeException("m"), "NO_AGENT_TYPE" },
        { new NoAvailableAgentException(AgentType.Coding, "m"), "NO_AVAILABLE_AGENT" },
        { new AgentAlreadyRegisteredException("a"), "AGENT_ALREADY_REGISTERED" },
        { new TaskValidationException("m"), "TASK_VALIDATION_FAILED" },
        { new AgentTimeoutException("t", "m"), "AGENT_TIMEOUT" },
        { new PolicyViolationException("p", "r"), "POLICY_VIOLATION" },
        { new QueueFullException(5, "S"), "QUEUE_FULL" },
        { new CircuitOpenException(AgentType.Coding, TimeSpan.FromSeconds(3)), "CIRCUIT_OPEN" },
        { new BusException(ErrorCodes.RequestTimeout, "m"), "REQUEST_TIMEOUT" },
        { new StateException(ErrorCodes.StateConflict, "m"), "STATE_CONFLICT" },
        { new AgentException("OWN", "m"), "OWN" },
        { new WorkflowValidationException("w", ErrorCodes.CircularDependency, ["p"]), "CIRCULAR_DEPENDENCY" },
    };

    [Theory]
    [MemberData(nameof(Codes))]
    public void ErrorCode_IsTheOneOfTheContract(ConductorException exception, string code)
    {
        exception.ErrorCode.Should().Be(code);
        exception.Message.Should().NotBeNullOrWhiteSpace();
    }

    [Fact]
    public void Constructors_WithoutCode_AreWrongArguments() =>
        FluentActions.Invoking(() => new AgentException(" ", "m")).Should().Throw<ArgumentException>();

    [Fact]
    public void WorkflowValidationException_Message_NamesEveryProblem()
    {
        var exception = new WorkflowValidationException("w", ErrorCodes.TaskValidationFailed, ["first problem", "second problem"]);

        exception.Message.Should().ContainAll("'w'", "first problem", "second problem");
        exception.Problems.Should().Equal("first problem", "second problem");
    }

    [Fact]
    public void Messages_NameTheThingAndTheSetting()
    {
        new PolicyViolationException("limits", "too many").Message.Should().ContainAll("limits", "too many");
        new QueueFullException(5, "DispatchOptions.QueueCapacity").Message.Should().ContainAll("5", "DispatchOptions.QueueCapacity");
        new CircuitOpenException(AgentType.Review, TimeSpan.FromSeconds(3)).Message.Should().ContainAll("review", "3 s");
        new AgentAlreadyRegisteredException("me").Message.Should().Contain("me");
    }
}
