using System.Globalization;
using Conductor.Coordination;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Hall;

/// <summary>
/// Texts are the same on every machine: they are stored, and read by programs. The tests run without the cultures of the machine, so that one is
/// made here whose numbers look like nobody's.
/// </summary>
public sealed class CultureTests : IDisposable
{
    private readonly CultureInfo _before = CultureInfo.CurrentCulture;

    public CultureTests()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = "~";
        culture.NumberFormat.PercentDecimalSeparator = "~";
        culture.NumberFormat.NumberGroupSeparator = "~";
        culture.NumberFormat.NegativeSign = "~";
        culture.NumberFormat.PercentSymbol = "~";
        CultureInfo.CurrentCulture = culture;
    }

    public void Dispose() => CultureInfo.CurrentCulture = _before;

    [Fact]
    public void Problems_OfAllOptions_AreTheSameInEveryCulture()
    {
        string[] problems =
        [
            .. new RetryPolicy { MaxRetries = -1, BackoffMultiplier = 0.5, JitterFactor = 1.5, InitialDelay = TimeSpan.FromSeconds(-1.5) }.Problems("R"),
            .. new CircuitBreakerOptions { FailureThreshold = -1, SuccessThreshold = -1, HalfOpenTrials = -1,
                RecoveryTimeout = TimeSpan.FromSeconds(-1.5) }.Problems("C"),
            .. new DispatchOptions { QueueCapacity = -1, WaitLimit = TimeSpan.FromSeconds(-1.5), PolicyRecheckInterval = TimeSpan.FromSeconds(-1.5) }
                .Problems("D"),
            .. new PolicyOptions { MinPhaseSuccessRate = 1.5, MaxConcurrentTasks = -1, MaxTaskTimeout = TimeSpan.FromSeconds(-1.5) }.Problems("P"),
            .. new WorkflowOptions { MaxFeedbackLoops = -1, TaskWindow = -1, MaxCrashes = -1 }.Problems("W"),
            .. new MessageBusOptions { SubscriptionCapacity = -1, RequestTimeout = TimeSpan.FromSeconds(-1.5) }.Problems("B"),
            .. new RetentionOptions { MaxFinishedWorkflows = -1, MaxTaskResults = -1, MaxDeadLetters = -1, MaxEventsPerWorkflow = -1,
                MaxAge = TimeSpan.FromSeconds(-1.5) }.Problems("S"),
        ];

        problems.Should().HaveCountGreaterThan(20).And.NotContain(static problem => problem.Contains('~'));
        problems.Should().Contain(static problem => problem.Contains("is 1.5;")).And.Contain(static problem => problem.Contains("is -1;"));
    }

    [Fact]
    public async Task PhaseGatePolicy_TwoOfThree_SaysTheSameInEveryCulture()
    {
        var policy = new PhaseGatePolicy(0.995);

        var denied = await policy.EvaluateAsync(new GatePolicyContext { Phase = WorkflowPhase.DevOps, CompletedTasks = 2, FailedTasks = 1 });

        denied.Reason.Should().Be("phase 'devops' completed 2 of 3 task(s), a rate of 0.6666; 0.995 is required.");
        policy.Description.Should().Be("A phase passes when at least 99.5% of its tasks completed.");
    }

    [Theory]
    [InlineData(2_999, 1, 1, "completed 2,999 of 3,000 task(s), a rate of 0.9996; 1 is required.")]
    [InlineData(99_999, 1, 1, "completed 99,999 of 100,000 task(s), a rate of 0.9999; 1 is required.")]
    [InlineData(99_994, 6, 0.99995, "completed 99,994 of 100,000 task(s), a rate of 0.9999; 0.99995 is required.")]
    public async Task PhaseGatePolicy_JustNotEnough_DoesNotReadLikeEnough(int completed, int failed, double required, string reason)
    {
        var context = new GatePolicyContext { Phase = WorkflowPhase.DevOps, CompletedTasks = completed, FailedTasks = failed };

        (await new PhaseGatePolicy(required).EvaluateAsync(context)).Reason.Should().EndWith(reason);
    }

    [Fact]
    public void Messages_WithNumbers_AreTheSameInEveryCulture()
    {
        var broken = new CircuitOpenException(AgentType.Coding, TimeSpan.FromSeconds(1.5));
        var progress = new WorkflowEvent { WorkflowId = "r", Kind = WorkflowEventKind.Progress, Timestamp = default, Percent = -0.6 };
        var page = FluentActions.Invoking(static () => new PageRequest { Size = -1 }.Validate("page")).Should().Throw<ArgumentException>().Which;

        broken.Message.Should().Contain("in 1.5 s");
        progress.ToString().Should().Contain("-1%");
        page.Message.Should().Contain("is -1;");
    }

    /// <summary>A run as a whole: what it stores and says.</summary>
    [Fact]
    public async Task RunWorkflowAsync_GateFails_StoresTheSameInEveryCulture()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(static task => task.Task.Id == "bad" ? throw new InvalidOperationException("bad") : TaskData.Empty);
        var definition = WorkflowDefinition.Create("w").Phase(WorkflowPhase.Development, static phase =>
        {
            phase.Task("good", AgentType.Coding);
            phase.Task("fine", AgentType.Coding);
            phase.Task("bad", AgentType.Coding);
        }).Build();

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(definition).AsTask());

        state.Error!.Message.Should().Contain("2 of 3 task(s), a rate of 0.6666;").And.NotContain("~");
    }
}
