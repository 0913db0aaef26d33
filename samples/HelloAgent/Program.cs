using Conductor;
using Conductor.Agents;
using Microsoft.Extensions.DependencyInjection;

var services = new ServiceCollection();
services.AddConductor().AddAgent<Hello>(AgentType.Coding);
await using var provider = services.BuildServiceProvider();
await using var conductor = await provider.StartConductorAsync();
Console.WriteLine(await conductor.DispatchAsync<string>(AgentType.Coding, "Ada"));

internal sealed class Hello : BaseAgent
{
    protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) =>
        new(TaskData.From($"Hello {task.Input.Get<string>()}"));
}
