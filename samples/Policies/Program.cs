using Conductor;
using Conductor.Policies;
using Microsoft.Extensions.DependencyInjection;
using Policies;

var clerk = new AgentType("clerk");
var services = new ServiceCollection();
services.AddSingleton<Office>();
services.AddConductor()
    .AddAgent<Clerk>(clerk, count: 2)
    .AddAgent<Clerk>(clerk, agentId: "archivist")
    .AddPolicy(new ForbiddenFilesPolicy("crown-jewels.txt"))
    .AddPolicy(new ClearancePolicy(clearedAgentId: "archivist"));
await using var provider = services.BuildServiceProvider();
await using var conductor = await provider.StartConductorAsync();
var policies = conductor.Policies;

Console.WriteLine("1. Every action is judged by the built-in policies and your own, in this order:");
foreach (var name in policies.ListPolicies())
{
    Console.WriteLine($"   {name}: {policies.GetPolicy(name)!.Description}");
}

Console.WriteLine("\n2. A policy about the task ends the search for an agent:");
try
{
    await conductor.DispatchAsync<string>(clerk, "crown-jewels.txt");
}
catch (PolicyViolationException violation)
{
    Console.WriteLine($"   {violation.ErrorCode} by {violation.PolicyName}: {violation.Reason}");
}

Console.WriteLine("\n3. A policy about the candidate lets another one be tried:");
var secret = new TaskDefinition
{
    AgentType = clerk,
    Input = "letters.txt",
    Metadata = new Dictionary<string, string> { [ClearancePolicy.Secret] = "yes" },
};
Console.WriteLine($"   {(await conductor.Coordinator.DispatchTaskAsync(secret)).EnsureSucceeded().Output.Get<string>()}");

Console.WriteLine("\n4. A limit on capacity does not refuse tasks, it lets them wait; add it and take it away while the program runs:");
var office = provider.GetRequiredService<Office>();
await CopyThreeFilesAsync("without a limit");
policies.RegisterPolicy(new MaxConcurrentTasksPolicy(1));
await CopyThreeFilesAsync("with a limit of 1");
policies.UnregisterPolicy("max_concurrent_tasks");
await CopyThreeFilesAsync("without it again");

Console.WriteLine("\n5. Ask for yourself, before an action of your own:");
var action = new DispatchPolicyContext { Task = new TaskDefinition { AgentType = clerk, Input = "crown-jewels.txt" }, AvailableAgents = 3 };
Console.WriteLine($"   Check: {await policies.CheckAsync(action)}");
foreach (var result in await policies.EvaluateAllAsync(action))
{
    Console.WriteLine($"   Evaluate: {result.PolicyName} {(result.Allowed ? "allows" : $"denies: {result.Reason}")}");
}

try
{
    await policies.EnforceAsync(action);
}
catch (PolicyViolationException violation)
{
    Console.WriteLine($"   Enforce: {violation.Message}");
}

async Task CopyThreeFilesAsync(string when)
{
    office.TakeMost();
    await Task.WhenAll(new[] { "a.txt", "b.txt", "c.txt" }.Select(file => conductor.DispatchAsync<string>(clerk, file).AsTask()));
    Console.WriteLine($"   {when}: 3 files copied, at most {office.TakeMost()} at once");
}
