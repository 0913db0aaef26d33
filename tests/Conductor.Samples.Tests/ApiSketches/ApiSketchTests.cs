using Conductor.Agents;
using Conductor.Coordination;
using Conductor.Policies;
using Conductor.Workflows;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Conductor.Samples.Tests.ApiSketches;

/// <summary>How the library is meant to feel: these three programs, as close to the letter as a test allows.</summary>
public sealed class ApiSketchTests
{
    [Fact]
    public async Task Hello_TwentyLinesWithoutHost_Runs()
    {
        var services = new ServiceCollection();
        services.AddConductor().AddAgent<Hello>(AgentType.Coding);
        await using var provider = services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();

        (await conductor.DispatchAsync<string>(AgentType.Coding, "Ada")).Should().Be("Hello Ada");
    }

    [Fact]
    public async Task Translator_HostWithTypedAndDelegateAgentsAndPolicy_Runs()
    {
        var api = new BracketTranslationApi();
        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Services.AddSingleton<ITranslationApi>(api);
        builder.Services.AddConductor(o => o.Retry.MaxRetries = 5)
            .AddAgent<Translator>(new AgentType("translator"), count: 4)
            .AddAgent("shout", (string text, TaskContext _, CancellationToken _) => ValueTask.FromResult(text.ToUpperInvariant()))
            .AddPolicy(new MaxConcurrentTasksPolicy(8));
        using var host = builder.Build();
        await host.StartAsync();
        var coordinator = host.Services.GetRequiredService<AgentCoordinator>();

        var translated = await coordinator.DispatchAsync<string>(new AgentType("translator"), TaskData.From(new Document("Good morning", "de")));
        var shouted = await coordinator.DispatchAsync<string>(new AgentType("shout"), "hey");
        var translators = coordinator.GetAvailableAgents(new AgentType("translator"));
        await host.StopAsync();

        (translated, shouted, api.Calls, translators.Count).Should().Be(("[de] Good morning", "HEY", 1, 4));
    }

    [Fact]
    public async Task Release_WorkflowWithFeedbackLoop_IsWatchedToItsEnd()
    {
        var services = new ServiceCollection();
        services.AddConductor()
            .AddAgent<Coder>(AgentType.Coding).AddAgent<Tester>(AgentType.Test).AddAgent<Packer>(AgentType.DevOps).AddAgent<Watcher>(AgentType.Monitor);
        await using var provider = services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();
        var engine = conductor.Workflows;

        var release = WorkflowDefinition.Create("release", version: "1")
            .Phase(WorkflowPhase.Development, phase =>
            {
                var code = phase.Task("code", AgentType.Coding, new Specification("…"));
                phase.Task("test", AgentType.Test).After(code).Timeout(TimeSpan.FromMinutes(5));
            })
            .Phase(WorkflowPhase.DevOps, phase => phase.Task("pack", AgentType.DevOps))
            .Phase(WorkflowPhase.Monitoring, phase => phase.Task("watch", AgentType.Monitor))
            .Feedback(from: WorkflowPhase.Monitoring, to: WorkflowPhase.Development, maxRounds: 2)
            .Build();

        var events = new List<WorkflowEvent>();
        await using WorkflowRun run = await engine.StartWorkflowAsync(release, new() { RunId = "r-42" });
        await foreach (WorkflowEvent e in run.WatchAsync())
        {
            events.Add(e);
        }

        WorkflowState state = await run.Completion;
        (state.WorkflowId, state.Status, state.FeedbackRounds.Count).Should().Be(("r-42", WorkflowStatus.Completed, 1));
        state.TaskResults["test"].Output.Get<string>().Should().Be("tested code of …, 1 finding(s) repaired");
        events.Select(static e => e.Kind).Should().StartWith(WorkflowEventKind.WorkflowStarted)
            .And.Contain(WorkflowEventKind.FeedbackRoundStarted).And.EndWith(WorkflowEventKind.WorkflowFinished);
    }
}
