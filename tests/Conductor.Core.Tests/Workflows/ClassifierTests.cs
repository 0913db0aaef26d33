using Conductor.Diagnostics;
using Conductor.Errors;
using Conductor.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Conductor.Tests.Workflows;

public sealed class ClassifierTests
{
    [Fact]
    public async Task RunWorkflowAsync_ClassifierThatFails_EndsTheRunAllTheSameAndSaysSo()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Classifier = new FailingClassifier() });
        var workflow = WorkflowDefinition.Create("no agents").Phase(WorkflowPhase.Development, phase => phase.Task("a", AgentType.Coding)).Build();

        var state = await rig.Engine.RunWorkflowAsync(workflow).AsTask().WaitAsync(TimeSpan.FromSeconds(30));

        state.Status.Should().Be(WorkflowStatus.Failed);
        state.TaskResults["a"].Status.Should().Be(AgentTaskStatus.Failed);
        rig.Logs.GetSnapshot().Should().Contain(entry => entry.Message.Contains("classifier itself failed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DispatchTaskAsync_ClassifierThatFails_EndsTheTaskAllTheSameAndSaysSo(bool suspends)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Classifier = new FailingClassifier() });
        await rig.AddAsync(async (_, _) =>
        {
            if (suspends)
            {
                await Task.Yield();
            }

            throw new InvalidDataException("the agent");
        });

        var task = Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } };
        var result = await rig.DispatchAsync(task).WaitAsync(TimeSpan.FromSeconds(30));
        var next = await rig.DispatchAsync(task with { Id = "next" }).WaitAsync(TimeSpan.FromSeconds(30));

        (result.Status, next.Status).Should().Be((AgentTaskStatus.Failed, AgentTaskStatus.Failed));
        result.Error!.Type.Should().Be(typeof(InvalidDataException).FullName, "the default classifier is asked about the agent's exception");
        rig.Logs.GetSnapshot().Should().Contain(static entry => entry.Id.Id == 1300 && entry.Exception is InvalidDataException);
        rig.Logs.GetSnapshot().Should().Contain(static entry => entry.Id.Id == 1606 && entry.Exception is NotSupportedException);
    }

    [Fact]
    public async Task DispatchTaskAsync_ClassifierThatGivesNoCode_EndsAsTheDefaultOneSays()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Classifier = new CodelessClassifier() });
        await rig.AddAsync(static _ => throw new IOException("the agent"));

        var result = await rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } }).WaitAsync(TimeSpan.FromSeconds(30));

        result.Error!.Code.Should().Be(ErrorCodes.TransientError, "it is an I/O exception");
        result.Error.Message.Should().Be("the agent");
        rig.Logs.GetSnapshot().Should().Contain(static entry => entry.Id.Id == 1606 && entry.Exception!.Message.Contains(nameof(CodelessClassifier)));
    }

    /// <summary>What is wrong is the agent's exception, and neither a listener nor whoever surrounds the agent.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DispatchTaskAsync_ExceptionWhoseTextCannotBeRead_IsTheAgents(bool withClassifier)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Classifier = withClassifier ? new FailingClassifier() : null });
        await rig.AddAsync(static _ => throw new SpeechlessException());

        var result = await rig.DispatchAsync().WaitAsync(TimeSpan.FromSeconds(30));

        result.Error!.Type.Should().Be(typeof(SpeechlessException).FullName);
        result.Error.Message.Should().Contain(nameof(SpeechlessException));
        rig.Logs.GetSnapshot().Should().Contain(static entry => entry.Id.Id == 1300 && entry.Exception is SpeechlessException);
        rig.Logs.GetSnapshot().Should().NotContain(static entry => entry.Id.Id == 1307);
    }

    [Fact]
    public async Task DispatchTaskAsync_ClassifierThatFails_ThrowsWhatItWouldThrowWithoutIt()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Classifier = new FailingClassifier() });

        var act = () => rig.DispatchAsync(Rig.NewTask());

        await act.Should().ThrowAsync<NoAvailableAgentException>();
        rig.Logs.GetSnapshot().Should().Contain(static entry => entry.Id.Id == 1606 && entry.Exception is NotSupportedException);
    }

    [Fact]
    public async Task HandleErrorAsync_ClassifierThatFails_DecidesByTheDefaultOne()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Classifier = new FailingClassifier() });
        var handler = new ErrorHandler(rig.Bus, rig.State, environment: rig.Environment);

        var action = await handler.HandleErrorAsync(new IOException("the task"));

        action.Should().Be(ErrorAction.Retry, "the default classifier takes it for transient");
        rig.Logs.GetSnapshot().Should().Contain(static entry => entry.Id.Id == 1606 && entry.Exception is NotSupportedException);
    }

    [Fact]
    public void Classify_ClassifierAndLoggerThatFail_GivesWhatTheDefaultOneSays()
    {
        using var loggers = new LoggerFactory([new FailingLoggers()]);
        var environment = new ConductorEnvironment(loggerFactory: loggers, errorClassifier: new FailingClassifier());
        var exception = new IOException("the task");

        environment.Classify(exception, Rig.NewTask(), "run").Should().Be(ErrorClassifier.Default.Classify(exception));
    }

    [Fact]
    public async Task ReplayDeadLettersAsync_ClassifierThatFails_GoesOnWithTheNextLetter()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Classifier = new FailingClassifier() });
        foreach (var id in new[] { "first", "second" })
        {
            await rig.State.SaveDeadLetterAsync(new ErrorRecord
            {
                Id = id,
                Code = ErrorCodes.UnknownError,
                Message = "failed before",
                Timestamp = rig.Time.GetUtcNow(),
                Task = Rig.NewTask() with { Id = id },
            });
        }

        var results = await rig.Coordinator.ReplayDeadLettersAsync();

        results.Select(static result => result.TaskId).Should().Equal("first", "second");
        results.Should().OnlyContain(static result => result.Status == AgentTaskStatus.Failed && result.Error!.Code == ErrorCodes.NoAvailableAgent);
    }

    private sealed class CodelessClassifier : ErrorClassifier
    {
        protected override TaskError? ClassifyCore(Exception exception) => new() { Code = "", Message = "" };
    }

    private sealed class FailingClassifier : ErrorClassifier
    {
        protected override TaskError? ClassifyCore(Exception exception) => throw new NotSupportedException("the classifier");
    }
}
