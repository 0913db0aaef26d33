using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Conductor;
using Conductor.AotSmoke;
using Conductor.DependencyInjection;
using Conductor.Messaging;
using Conductor.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

var writer = new AgentType("writer");
var critic = new AgentType("critic");
var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
{
    ["Conductor:Retry:MaxRetries"] = "1",
    ["Conductor:Retry:InitialDelay"] = "00:00:00.010",
    ["Conductor:AgentTypes:writer:CircuitBreaker:FailureThreshold"] = "2",
}).Build();

var services = new ServiceCollection();
services.AddConductor(configuration.GetSection("Conductor"))
    .AddAgent<Writer>(writer, count: 2)
    .AddAgent<Critic>(critic)
    .AddJsonContext(SmokeJsonContext.Default);
await using var provider = services.BuildServiceProvider();
await using var conductor = await provider.StartConductorAsync();

var options = provider.GetRequiredService<IOptions<ConductorOptions>>().Value;
SmokeException.ThrowUnless(options.Retry.MaxRetries == 1, "settings come from configuration");
SmokeException.ThrowUnless(options.AgentTypes["writer"].CircuitBreaker.FailureThreshold == 2, "so do those of an agent type");

await RunWorkflowAsync(conductor);
await RunOnSqliteAsync();
SendThroughJson(ConductorJson.CreateOptions(SmokeJsonContext.Default));
SendThroughJson(provider.GetRequiredService<ConductorSerializer>().Options);
RefuseWhatJsonLeavesOut(new RecordCodec(provider.GetRequiredService<ConductorSerializer>()));
RefuseAKeyThatIsNoSetting();
Console.WriteLine("AOT ok");

async Task RunOnSqliteAsync()
{
    var folder = Directory.CreateTempSubdirectory("conductor-aot-");
    try
    {
        var durable = new ServiceCollection();
        durable.AddConductor().AddAgent<Writer>(writer).AddAgent<Critic>(critic).AddJsonContext(SmokeJsonContext.Default)
            .UseSqlite($"Data Source={Path.Combine(folder.FullName, "smoke.db")}");
        await using var ownProvider = durable.BuildServiceProvider();
        await using var ownConductor = await ownProvider.StartConductorAsync();
        await RunWorkflowAsync(ownConductor);
    }
    finally
    {
        folder.Delete(recursive: true);
    }
}

async Task RunWorkflowAsync(ConductorRuntime runtime)
{
    var workflow = WorkflowDefinition.Create("page")
        .Phase(WorkflowPhase.Development, phase => phase.Task("write", writer, new Draft { Text = "Once upon a time" }))
        .Phase(WorkflowPhase.Monitoring, phase => phase.Task("read", critic).After("write"))
        .Feedback(from: WorkflowPhase.Monitoring, to: WorkflowPhase.Development)
        .Build();
    var state = (await runtime.Workflows.RunWorkflowAsync(workflow)).EnsureCompleted();
    SmokeException.ThrowUnless(state.FeedbackRounds.Count == 1, "one feedback round");
    SmokeException.ThrowUnless(state.TaskResults["write"].Output.Get<Page>().Round == 1, "the page of the second round");
}

void SendThroughJson(JsonSerializerOptions json)
{
    var messages = (JsonTypeInfo<AgentMessage>)json.GetTypeInfo(typeof(AgentMessage));
    var sent = new AgentMessage
    {
        Type = MessageType.TaskAssignment,
        Sender = "smoke",
        Payload = new TaskAssignment
        {
            Task = new TaskDefinition { AgentType = writer, Input = TaskData.From(new Draft { Text = "over the wire" }) },
            IdempotencyKey = "key",
        },
    };
    var received = JsonSerializer.Deserialize(JsonSerializer.Serialize(sent, messages), messages);
    SmokeException.ThrowUnless(
        received?.Payload is TaskAssignment { Task.Input: var input } && input.Get<Draft>().Text == "over the wire", "a message survives JSON");

    var task = JsonSerializer.Deserialize("{\"agent_type\":\"writer\"}", (JsonTypeInfo<TaskDefinition>)json.GetTypeInfo(typeof(TaskDefinition)));
    SmokeException.ThrowUnless(task is { Id.Length: > 0, Priority: TaskPriority.Medium, Input.IsEmpty: true }, "what JSON leaves out keeps its default");
}

void RefuseWhatJsonLeavesOut(RecordCodec codec)
{
    foreach (var data in new[] { TaskData.From((7, "seven")), TaskData.From(new Loose { Text = "all there is" }) })
    {
        try
        {
            codec.Encode(new TaskDefinition { AgentType = writer, Input = data });
        }
        catch (TaskValidationException refused) when (refused.Message.Contains("leaves out", StringComparison.Ordinal))
        {
            continue;
        }

        SmokeException.ThrowUnless(false, $"{data} is refused");
    }
}

void RefuseAKeyThatIsNoSetting()
{
    var wrong = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Conductor:Retry:MaxRetires"] = "1" }).Build();
    var services = new ServiceCollection();
    services.AddConductor(wrong.GetSection("Conductor"));
    using var provider = services.BuildServiceProvider();
    try
    {
        _ = provider.GetRequiredService<IOptions<ConductorOptions>>().Value;
        SmokeException.ThrowUnless(false, "a key that is no setting is refused");
    }
    catch (OptionsValidationException refused)
    {
        SmokeException.ThrowUnless(refused.Message.Contains("'MaxRetries'", StringComparison.Ordinal), "the setting that was meant is named");
    }
}
