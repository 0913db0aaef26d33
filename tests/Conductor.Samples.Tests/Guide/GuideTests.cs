using Conductor.Agents;
using Conductor.DependencyInjection;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Testing;
using Conductor.Workflows;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Conductor.Samples.Tests.Guide;

/// <summary>What docs/guide.md shows, run.</summary>
public sealed class GuideTests
{
    private static readonly AgentType _editor = new("editor");

    [Fact]
    public async Task Agents_WithScopedServices_OneForEachTask()
    {
        var services = new ServiceCollection();
        services.AddSingleton<Shelf>().AddScoped<Archive>();
        services.AddConductor()
            .AddAgent<Editor>(new AgentType("editor"), count: 4)
            .AddAgent("count", (string text, TaskContext _, CancellationToken _) => ValueTask.FromResult(text.Length));
        await using var provider = services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();

        (await conductor.DispatchAsync<Draft, string>(_editor, new Draft("Owls", 900))).Should().Be("Owls #1");
        (await conductor.DispatchAsync<int>("count", "four")).Should().Be(4);
        provider.GetRequiredService<Shelf>().Disposed.Should().Be(1);
    }

    [Fact]
    public async Task Task_WithLimits_IsDispatchedOnce()
    {
        await using var host = await StartAsync();
        var coordinator = host.Coordinator;
        await host.RunAsync(async _ =>
        {
            var task = new TaskDefinition
            {
                Id = "draft-4711",
                AgentType = new AgentType("editor"),
                Input = TaskData.From(new Draft("Owls", Words: 900)),
                Priority = TaskPriority.High,
                Timeout = TimeSpan.FromMinutes(5), // One attempt.
                Deadline = TimeSpan.FromMinutes(20), // All attempts, with what they wait.
                Retry = new RetrySettings { MaxRetries = 1 },
            };
            TaskResult result = await coordinator.DispatchTaskAsync(task);
            Console.WriteLine(result.IsSuccess ? result.Output.Get<string>() : $"{result.Error}");

            (await coordinator.DispatchTaskAsync(task)).Output.Get<string>().Should().Be("Owls #1", "it is the recorded result");
        });
    }

    [Fact]
    public async Task Settings_FromConfiguration_AreThoseOfTheTypes()
    {
        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Conductor:Retry:MaxRetries"] = "5",
            ["Conductor:AgentTypes:Editor:Retry:MaxRetries"] = "1",
            ["Conductor:Dispatch:WaitLimit"] = "00:01:00",
        });
        builder.Services.AddConductor(builder.Configuration.GetSection("Conductor"));
        using var host = builder.Build();
        await host.StartAsync();

        var options = host.Services.GetRequiredService<IOptions<ConductorOptions>>().Value;
        (options.Retry.MaxRetries, options.AgentTypes["editor"].Retry.MaxRetries, options.Dispatch.WaitLimit).Should().Be((5, 1, TimeSpan.FromMinutes(1)));
        await host.StopAsync();
    }

    [Fact]
    public async Task DeadLetters_AreSeenAndReplayed()
    {
        await using var host = await StartAsync();
        var conductor = host.Runtime;
        await host.RunAsync(async _ =>
        {
            var result = await conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = _editor, Input = TaskData.From(new Draft("Owls", 0)) });
            result.Error!.Code.Should().Be("EMPTY_DRAFT");

            foreach (ErrorRecord letter in await conductor.Errors.GetDeadLetterQueueAsync())
            {
                Console.WriteLine($"{letter.Timestamp}: {letter.Task?.Name}: {letter.Code}: {letter.Message}");
                await conductor.Coordinator.ReplayDeadLetterAsync(letter.Id, TaskData.From(new Draft("Owls", Words: 900)));
            }

            (await conductor.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
        });
    }

    [Fact]
    public async Task Workflow_WithAGateOfItsOwn_IsFollowed()
    {
        await using var host = await StartAsync(static builder => builder.AddPolicy<MonitoringGate>());
        var engine = host.Workflows;
        var told = new List<WorkflowProgress>();
        await host.RunAsync(async _ =>
        {
            var definition = WorkflowDefinition.Create("issue", version: "3")
                .Phase(WorkflowPhase.Development, phase =>
                {
                    var owls = phase.Task("owls", new AgentType("editor"), new Draft("Owls", 900));
                    phase.Task("index", new AgentType("indexer")).After(owls).Priority(TaskPriority.High);
                    phase.Task("cartoon", new AgentType("editor"), new Draft("Cartoon", 0)).Optional();
                })
                .Phase(WorkflowPhase.Monitoring, phase =>
                {
                    phase.Task("proof", new AgentType("indexer"));
                    phase.Task("blank", new AgentType("editor"), new Draft("Blank", 0)).Retry(0);
                })
                .Timeout(TimeSpan.FromHours(8))
                .Build();

            var options = new WorkflowRunOptions
            {
                RunId = "issue-2026-12",
                Progress = new Progress<WorkflowProgress>(progress => Console.WriteLine($"{progress.Percent:0} %")),
                Migrate = migration => migration.To, // A run in progress goes on with the definition of this program.
            };
            options.Progress = new Listed(told);
            WorkflowRun run = await engine.StartWorkflowAsync(definition, options);
            WorkflowState state = await run.Completion;

            (state.Status, state.TaskResults["cartoon"].Status, state.TaskResults["blank"].Status)
                .Should().Be((WorkflowStatus.Completed, AgentTaskStatus.Skipped, AgentTaskStatus.Failed));
            told[^1].Percent.Should().Be(100);
        });
    }

    [Fact]
    public async Task Workflow_OfTasksThatAreKnownLater_IsStartedByAnAgent()
    {
        await using var host = await StartAsync(static builder => builder.AddAgent<Planner>(new AgentType("planner")));
        await host.RunAsync(async _ =>
        {
            var definition = WorkflowDefinition.Create("plan")
                .Phase(WorkflowPhase.Development, static phase => phase.Task("plan", new AgentType("planner"), new[] { "Owls", "Mice", "Fields" }))
                .Build();

            var state = await host.Workflows.RunWorkflowAsync(definition, new WorkflowRunOptions { RunId = "monday" });

            state.TaskResults["plan"].Output.Get<int>().Should().Be(3);
            (await host.Workflows.GetRunAsync("articles of monday:plan:0")).Should().NotBeNull();
        });
    }

    [Fact]
    public async Task Workflow_ThatRunsSomewhere_IsFoundAndCancelled()
    {
        var script = new AgentScript().Hangs();
        await using var host = await StartAsync(builder => builder.AddAgent(new AgentType("sleeper"), _ => new ScriptedAgent(script)));
        var engine = host.Workflows;
        await host.RunAsync(async _ =>
        {
            var definition = WorkflowDefinition.Create("sleep")
                .Phase(WorkflowPhase.Development, static phase => phase.Task("sleep", new AgentType("sleeper"))).Build();
            await engine.StartWorkflowAsync(definition, new WorkflowRunOptions { RunId = "night" });

            await foreach (var summary in AllRunsAsync(engine, WorkflowStatus.InProgress))
            {
                WorkflowRun? run = await engine.GetRunAsync(summary.WorkflowId);
                await run!.CancelAsync();
                await run.Completion;
            }

            (await (await engine.GetRunAsync("night"))!.GetStateAsync()).Status.Should().Be(WorkflowStatus.Cancelled);
        });
    }

    [Fact]
    public async Task Messages_PublishedAndAsked_AreHandled()
    {
        await using var host = await StartAsync();
        MessageBus bus = host.Bus;
        var heard = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await host.RunAsync(async _ =>
        {
            await using MessageSubscription news = await bus.SubscribeAsync("news", (message, cancellationToken) =>
            {
                heard.TrySetResult(((DataPayload)message.Payload!).Data.Get<string>());
                return ValueTask.CompletedTask;
            });
            await bus.PublishAsync("news", new AgentMessage { Type = MessageType.Control, Sender = "press", Payload = new DataPayload { Data = "printed" } });

            await using MessageSubscription questions = await bus.SubscribeAsync("questions", (question, cancellationToken) =>
                bus.RespondAsync(question, question.CreateResponse(MessageType.Control, "archive", new DataPayload { Data = "1987" }), cancellationToken));
            AgentMessage answer = await bus.RequestAsync(
                "questions", new AgentMessage { Type = MessageType.Control, Sender = "press" }, timeout: TimeSpan.FromSeconds(5));

            (await heard.Task, ((DataPayload)answer.Payload!).Data.Get<string>()).Should().Be(("printed", "1987"));
        });
    }

    [Fact]
    public async Task Editor_WhenTheVendorIsBusy_WaitsAsLongAsItSaid()
    {
        var vendor = new AgentScript().Throws(new VendorException(429)).Returns("done");
        await using var host = await ConductorTestHost.StartAsync(conductor =>
        {
            conductor.UseErrorClassifier<VendorErrors>();
            conductor.AddAgent(new AgentType("vendor"), _ => new ScriptedAgent(vendor));
        });

        string output = await host.WaitAsync(host.Runtime.DispatchAsync<string>("vendor"));

        output.Should().Be("done");
        vendor.Seen.Should().HaveCount(2);
        host.Time.Elapsed.Should().BeGreaterThanOrEqualTo(TimeSpan.FromSeconds(20)); // No real time passed.
    }

    private static async IAsyncEnumerable<WorkflowSummary> AllRunsAsync(WorkflowEngine engine, WorkflowStatus status)
    {
        var query = new WorkflowQuery { Status = status };
        do
        {
            var page = await engine.ListRunsAsync(query);
            foreach (var summary in page.Items)
            {
                yield return summary;
            }

            query = query with { Page = new PageRequest { ContinuationToken = page.ContinuationToken } };
        }
        while (query.Page.ContinuationToken is not null);
    }

    private static Task<ConductorTestHost> StartAsync(Action<ConductorBuilder>? configure = null) => ConductorTestHost.StartAsync(builder =>
    {
        builder.Services.AddSingleton<Shelf>().AddScoped<Archive>();
        builder.AddAgent<Editor>(_editor, count: 4).AddAgent("indexer", static (TaskContext _, CancellationToken _) => ValueTask.FromResult("indexed"));
        configure?.Invoke(builder);
    });

    private sealed class Listed(List<WorkflowProgress> told) : IProgress<WorkflowProgress>
    {
        public void Report(WorkflowProgress value) => told.Add(value);
    }
}
