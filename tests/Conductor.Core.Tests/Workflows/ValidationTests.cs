using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

public sealed class ValidationTests
{
    private static TaskDefinition Task(string id, params string[] after) => new() { Id = id, AgentType = AgentType.Coding, DependsOn = after };

    private static async Task<WorkflowValidationException> RefusedAsync(WorkflowDefinition definition)
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(_ => throw new InvalidOperationException("must not run"));
        var thrown = await FluentActions.Awaiting(() => rig.Engine.StartWorkflowAsync(definition).AsTask()).Should().ThrowAsync<WorkflowValidationException>();
        (await rig.Engine.ListRunsAsync()).Items.Should().BeEmpty();
        definition.Invoking(static invalid => invalid.EnsureValid()).Should().Throw<WorkflowValidationException>().Which.Problems.Should()
            .Equal(thrown.Which.Problems);
        return thrown.Which;
    }

    [Fact]
    [Trait("Behaviour", "9")]
    public async Task StartWorkflowAsync_ManyThingsWrong_OneErrorNamesThemAll()
    {
        var definition = new WorkflowDefinition
        {
            Name = "bad",
            Phases = [WorkflowPhase.Development, WorkflowPhase.DevOps],
            Tasks =
            [
                Task("a", "b"), Task("b", "c"), Task("c", "a"),
                Task("d", "ghost"),
                Task("twice"), Task("twice"),
                Task("early", "late"),
                new TaskDefinition { Id = "late", AgentType = AgentType.DevOps },
                new TaskDefinition { Id = "homeless", AgentType = AgentType.Monitor },
                new TaskDefinition { Id = "lost", AgentType = new AgentType("translator") },
                Task("slow") with { Timeout = TimeSpan.Zero },
            ],
        };

        var error = await RefusedAsync(definition);

        error.ErrorCode.Should().Be("CIRCULAR_DEPENDENCY");
        error.Problems.Should().HaveCount(7);
        error.Message.Should().ContainAll(
            "a → b → c → a",
            "'d' depends on 'ghost', which does not exist",
            "'twice' is used 2 times",
            "'early' depends on 'late', which belongs to a later phase",
            "'homeless' belongs to phase 'monitoring', which is not listed",
            "'lost' of type 'translator' names no phase",
            "'slow': Timeout is 00:00:00");
    }

    [Fact]
    public async Task StartWorkflowAsync_TwoCircles_NamesBoth() =>
        (await RefusedAsync(new WorkflowDefinition { Name = "x", Tasks = [Task("a", "a"), Task("b", "c"), Task("c", "b"), Task("behind", "b")] }))
            .Problems.Should().HaveCount(2).And.Contain(problem => problem.Contains("a → a")).And.Contain(problem => problem.Contains("b → c → b"));

    [Fact]
    public async Task StartWorkflowAsync_WithoutCircle_HasTheOrdinaryCode() =>
        (await RefusedAsync(new WorkflowDefinition { Name = "x", Tasks = [Task("a", "ghost")] })).ErrorCode.Should().Be("TASK_VALIDATION_FAILED");

    [Fact]
    public async Task StartWorkflowAsync_DefinitionItselfWrong_IsNamed()
    {
        var error = await RefusedAsync(new WorkflowDefinition
        {
            Name = " ",
            Version = "",
            Timeout = TimeSpan.Zero,
            Phases = [WorkflowPhase.DevOps, WorkflowPhase.Development, WorkflowPhase.Development, default],
            Feedback = new FeedbackRule { From = WorkflowPhase.DevOps, To = WorkflowPhase.Development, MaxRounds = -1 },
            Tasks = [new TaskDefinition { Id = "t", AgentType = default }],
        });

        error.Message.Should().ContainAll(
            "no name", "no version", "timeout is 00:00:00", "'development' is listed 2 times", "nameless",
            "forward to 'development'", "-1 rounds", "'t' names no agent type");
    }

    [Fact]
    public async Task StartWorkflowAsync_FeedbackOfUnlistedPhase_IsNamed() =>
        (await RefusedAsync(new WorkflowDefinition { Name = "x", Feedback = new FeedbackRule { From = new WorkflowPhase("a"), To = new WorkflowPhase("b") } }))
            .Message.Should().Contain("not both listed");

    [Fact]
    public void Hash_Structure_ChangesItAndInputsDoNot()
    {
        var definition = new WorkflowDefinition { Name = "x", Tasks = [Task("a"), Task("b", "a")] };

        Hash(definition with { Description = "new", Metadata = new Dictionary<string, string> { ["k"] = "v" } }).Should().Be(Hash(definition));
        Hash(definition with { Tasks = [Task("a") with { Input = "other" }, Task("b", "a")] }).Should().Be(Hash(definition));
        foreach (var changed in new[]
        {
            definition with { Name = "y" },
            definition with { Version = "2" },
            definition with { Timeout = TimeSpan.FromDays(1) },
            definition with { Tasks = [Task("a"), Task("b")] },
            definition with { Tasks = [Task("a") with { AgentType = AgentType.Review }, Task("b", "a")] },
            definition with { Feedback = new FeedbackRule { From = WorkflowPhase.DevOps, To = WorkflowPhase.Development } },
            definition with { Phases = [WorkflowPhase.Development, WorkflowPhase.DevOps] },
        })
        {
            Hash(changed).Should().NotBe(Hash(definition));
        }

        static string Hash(WorkflowDefinition value) => WorkflowPlan.Of(value).Hash;
    }

    /// <summary>Whatever stands in ids and keys: a run is never taken for that of another definition.</summary>
    [Fact]
    public void Hash_TextsThatHoldWhatMayStandBetweenThem_IsAnother()
    {
        const string Between = "development|Medium|1200000000||False";
        var task = Task("x") with { Phase = WorkflowPhase.Development, Timeout = TimeSpan.FromMinutes(2) };
        TaskDefinition[][] all =
        [
            [task],
            [task with { IdempotencyKey = $"{AgentType.Coding}|{Between}|" }],
            [task with { Id = $"x|{AgentType.Coding}|{Between}" }],
            [task, Task("y")],
            [task, Task("y", "x")],
            [Task("y"), task],
        ];

        all.Select(static tasks => WorkflowPlan.Of(new WorkflowDefinition { Name = "h", Tasks = tasks }).Hash).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void Of_LargeChain_IsPlannedInLinearTime()
    {
        var tasks = Enumerable.Range(0, 50_000).Select(i => i == 0 ? Task("t0") : Task($"t{i}", $"t{i - 1}")).ToList();

        WorkflowPlan.Of(new WorkflowDefinition { Name = "chain", Tasks = tasks }).TaskCount.Should().Be(50_000);
    }
}
