using System.Text.Json;
using Conductor.Serialization;

namespace Conductor.Tests.Hall;

public sealed class FluentDefinitionTests
{
    [Fact]
    public void Build_EqualsThePlainRecords()
    {
        var fluent = WorkflowDefinition.Create("release", version: "2")
            .Description("ships it")
            .Phase(WorkflowPhase.Development, phase =>
            {
                var code = phase.Task("code", AgentType.Coding, "spec").Named("Write").Description("writes").Metadata("k", "v");
                phase.Task("test", AgentType.Test).After(code).Timeout(TimeSpan.FromMinutes(5)).Deadline(TimeSpan.FromHours(1))
                    .Priority(TaskPriority.High).Optional().Retry(1).IdempotencyKey("own");
            })
            .Phase(WorkflowPhase.Monitoring, phase => phase.Task("watch", AgentType.Monitor).After("code", "test"))
            .Feedback(WorkflowPhase.Monitoring, WorkflowPhase.Development, maxRounds: 2, FeedbackSeverity.Critical, FeedbackLimitAction.Continue)
            .Timeout(TimeSpan.FromHours(2))
            .Metadata("team", "blue")
            .Build();

        var plain = new WorkflowDefinition
        {
            Name = "release",
            Version = "2",
            Description = "ships it",
            Phases = [WorkflowPhase.Development, WorkflowPhase.Monitoring],
            Tasks =
            [
                new TaskDefinition
                {
                    Id = "code", Name = "Write", Description = "writes", AgentType = AgentType.Coding, Phase = WorkflowPhase.Development,
                    Input = "spec", Metadata = new Dictionary<string, string> { ["k"] = "v" },
                },
                new TaskDefinition
                {
                    Id = "test", Name = "test", AgentType = AgentType.Test, Phase = WorkflowPhase.Development, DependsOn = ["code"],
                    Timeout = TimeSpan.FromMinutes(5), Deadline = TimeSpan.FromHours(1), Priority = TaskPriority.High, Optional = true,
                    Retry = new RetrySettings { MaxRetries = 1 }, IdempotencyKey = "own",
                },
                new TaskDefinition
                {
                    Id = "watch", Name = "watch", AgentType = AgentType.Monitor, Phase = WorkflowPhase.Monitoring, DependsOn = ["code", "test"],
                },
            ],
            Feedback = new FeedbackRule
            {
                From = WorkflowPhase.Monitoring, To = WorkflowPhase.Development, MaxRounds = 2,
                MinSeverity = FeedbackSeverity.Critical, AtLimit = FeedbackLimitAction.Continue,
            },
            Timeout = TimeSpan.FromHours(2),
            Metadata = new Dictionary<string, string> { ["team"] = "blue" },
        };

        Json(fluent).Should().Be(Json(plain));
    }

    [Fact]
    public void Build_WithoutPhases_HasTheDefaultOnes() =>
        WorkflowDefinition.Create("x").Build().Phases.Should().Equal(WorkflowPhase.Default).And.Equal(new WorkflowDefinition { Name = "x" }.Phases);

    [Fact]
    public void Phase_NamedTwice_AddsToTheSamePhase()
    {
        var definition = WorkflowDefinition.Create("w")
            .Phase(WorkflowPhase.DevOps, phase => phase.Task("a", AgentType.DevOps))
            .Phase(WorkflowPhase.DevOps, phase => phase.Task("b", AgentType.DevOps))
            .Build();

        definition.Phases.Should().Equal(WorkflowPhase.DevOps);
        definition.Tasks.Select(task => task.Id).Should().Equal("a", "b");
    }

    [Fact]
    public void Build_LaterChangesOfTheBuilder_DoNotReachTheDefinition()
    {
        var builder = WorkflowDefinition.Create("w").Phase(WorkflowPhase.DevOps, phase => phase.Task("a", AgentType.DevOps));
        var definition = builder.Build();

        builder.Metadata("k", "v").Phase(WorkflowPhase.Monitoring, phase => phase.Task("b", AgentType.Monitor));

        definition.Tasks.Should().ContainSingle();
        definition.Phases.Should().ContainSingle();
        definition.Metadata.Should().BeEmpty();
    }

    [Fact]
    public void Create_WithoutName_IsAWrongArgument() =>
        FluentActions.Invoking(() => WorkflowDefinition.Create(" ")).Should().Throw<ArgumentException>();

    private static string Json(WorkflowDefinition definition) => JsonSerializer.Serialize(definition, ConductorJson.Options);

    [Fact]
    public void Feedback_Twice_IsRefused()
    {
        var builder = new WorkflowDefinitionBuilder("twice", "1").Feedback(WorkflowPhase.Monitoring, WorkflowPhase.Development);

        FluentActions.Invoking(() => builder.Feedback(WorkflowPhase.Development, WorkflowPhase.DevOps)).Should().Throw<InvalidOperationException>()
            .WithMessage("*from 'monitoring' to 'development'*Leave out the one from 'development' to 'devops'*");
    }

    [Fact]
    public void After_Nothing_IsAWrongArgument() => WorkflowDefinition.Create("w").Phase(WorkflowPhase.Development, static phase =>
    {
        var task = phase.Task("a", AgentType.Coding);

        FluentActions.Invoking(() => task.After(task, null!)).Should().Throw<ArgumentException>().WithParameterName("tasks").WithMessage("*task 'a'*null*");
    });
}
