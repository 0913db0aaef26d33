using Conductor;
using Conductor.Agents;
using Conductor.Messaging;
using FailureHandling;
using Microsoft.Extensions.DependencyInjection;

var courier = new AgentType("courier");
var photographer = new AgentType("photographer");
var printer = new AgentType("printer");
var services = new ServiceCollection();
services.AddSingleton<Till>().AddSingleton<PaperTray>();
services.AddConductor(options =>
    {
        options.Retry.MaxRetries = 2;
        options.Retry.InitialDelay = TimeSpan.FromMilliseconds(50);
        options.CircuitBreaker.FailureThreshold = 4;
        options.CircuitBreaker.RecoveryTimeout = TimeSpan.FromMilliseconds(500);
    })
    .AddAgent<Courier>(courier)
    .AddAgent<Printer>(printer, agentId: "printer")
    .AddAgent(photographer, ValueTask<string> (string _, TaskContext _, CancellationToken _) => throw new NotSupportedException("No camera."));
await using var provider = services.BuildServiceProvider();
await using var conductor = await provider.StartConductorAsync();
var coordinator = conductor.Coordinator;
var till = provider.GetRequiredService<Till>();

Console.WriteLine("1. A transient failure is retried with backoff, and its effect happens once:");
var delivered = await coordinator.DispatchTaskAsync(DeliveryOf(new Parcel { Address = "Elm Street" }));
Console.WriteLine($"   {delivered.Output.Get<string>()} at attempt {delivered.Attempts}, charged {till.Charges} time(s)");

Console.WriteLine("\n2. A task that never succeeds becomes a dead letter, which is replayed with corrected input:");
var lost = await coordinator.DispatchTaskAsync(DeliveryOf(new Parcel { Address = "Nowhere" }));
Console.WriteLine($"   {lost.Status} after {lost.Attempts} attempts");
var letter = (await conductor.Errors.GetDeadLetterQueueAsync()).Single();
Console.WriteLine($"   dead letter: {letter.Code}, {letter.Message}");
var corrected = TaskData.From(new Parcel { Address = "Oak Avenue" });
var replayed = await coordinator.ReplayDeadLetterAsync(letter.Id, corrected);
Console.WriteLine($"   {replayed.Output.Get<string>()}, charged {till.Charges} time(s) for two parcels");

Console.WriteLine("\n3. A failure that trying again would not help is escalated to people:");
var escalation = new TaskCompletionSource<ErrorPayload>();
await using (await conductor.Bus.SubscribeAsync(Channels.Errors, (message, _) =>
{
    escalation.TrySetResult((ErrorPayload)message.Payload!);
    return ValueTask.CompletedTask;
}))
{
    await coordinator.DispatchTaskAsync(DeliveryOf(new Parcel { Address = "Main Square", Content = "fireworks" }));
    var seen = await escalation.Task;
    Console.WriteLine($"   on {Channels.Errors}: {seen.Action}, {seen.Code}, {seen.Message}");
}

Console.WriteLine("\n4. An optional task of a workflow is skipped when it fails:");
var workflow = WorkflowDefinition.Create("label with photo")
    .Phase(WorkflowPhase.Development, phase => phase.Task("photo", photographer, "front door").Optional())
    .Phase(WorkflowPhase.DevOps, phase => phase.Task("deliver", courier, new Parcel { Address = "Lake Road" }).After("photo"))
    .Build();
var state = await conductor.Workflows.RunWorkflowAsync(workflow);
Console.WriteLine($"   photo {state.TaskResults["photo"].Status}, deliver {state.TaskResults["deliver"].Status}, workflow {state.Status}");

Console.WriteLine("\n5. An agent that keeps failing is left alone for a while:");
var breaker = conductor.Errors.GetCircuitBreaker("printer");
foreach (var label in new[] { "Ada", "Grace", "Edsger" })
{
    try
    {
        var result = await coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = printer, Input = label });
        Console.WriteLine($"   {label}: {result.Status} after {result.Attempts} attempt(s), circuit {breaker.State}");
    }
    catch (CircuitOpenException open)
    {
        Console.WriteLine($"   {label}: {open.ErrorCode}, not even tried");
    }
}

Console.WriteLine("\n6. Repaired, it heals by real work: the dead letters are replayed, and two successes close the circuit:");
provider.GetRequiredService<PaperTray>().Refill();
while (breaker.IsOpen())
{
    await Task.Delay(breaker.TimeUntilRecovery);
}

Console.WriteLine($"   circuit {breaker.State}");
foreach (var result in await coordinator.ReplayDeadLettersAsync())
{
    Console.WriteLine($"   {result.Status}: {result.Output.Get<string>()}");
}

Console.WriteLine($"   circuit {breaker.State}, {(await conductor.Errors.GetDeadLetterQueueAsync()).Count} dead letter(s) left");

TaskDefinition DeliveryOf(Parcel parcel) => new() { AgentType = courier, Input = TaskData.From(parcel) };
