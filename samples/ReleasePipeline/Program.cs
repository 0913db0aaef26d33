using Conductor;
using Microsoft.Extensions.DependencyInjection;
using ReleasePipeline;
using ReleasePipeline.Agents;
using ReleasePipeline.Display;
using ReleasePipeline.Libraries;
using ReleasePipeline.Packages;
using ReleasePipeline.Repairs;
using ReleasePipeline.Tools;
using ReleasePipeline.Workspaces;
using Spectre.Console;

const int Success = 0;
const int Failure = 1;
const int BadInput = 2;
const int RedirectedWidth = 200;

var console = AnsiConsole.Console;
if (!console.Profile.Out.IsTerminal)
{
    console.Profile.Width = RedirectedWidth;
}

using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    interrupted.Cancel();
};

try
{
    var arguments = Arguments.Parse(args);
    var tree = SourceTree.Find(arguments.Folder);
    using var workspace = Workspace.Create(tree, arguments.Keep);
    console.WriteLine($"Releasing a copy of {tree.ProjectFile} in {workspace.Folder}");
    return await ReleaseAsync(tree, workspace);
}
catch (Exception wrong) when (wrong is InputException or ToolException)
{
    console.MarkupLineInterpolated($"[red]{wrong.Message}[/]");
    return BadInput;
}
catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
{
    console.WriteLine("Interrupted.");
    return Failure;
}

async Task<int> ReleaseAsync(SourceTree tree, Workspace workspace)
{
    var services = new ServiceCollection();
    services.AddSingleton(workspace).AddSingleton<DotNet>();
    services.AddSingleton<LibraryReader>().AddSingleton<RepairShop>().AddSingleton<Consumer>();
    services.AddConductor()
        .AddAgent<CodingAgent>(AgentType.Coding)
        .AddAgent<ReviewAgent>(AgentType.Review)
        .AddAgent<TestDataAgent>(AgentType.TestData)
        .AddAgent<TestAgent>(AgentType.Test)
        .AddAgent<DevOpsAgent>(AgentType.DevOps)
        .AddAgent<DeployingAgent>(AgentType.Deploying)
        .AddAgent<MonitorAgent>(AgentType.Monitor);
    await using var provider = services.BuildServiceProvider();

    var library = await provider.GetRequiredService<LibraryReader>().ReadAsync(workspace.CopyOf(tree, tree.ProjectFile), interrupted.Token);
    await using var conductor = await provider.StartConductorAsync(interrupted.Token);
    await using var run = await conductor.Workflows.StartWorkflowAsync(
        ReleaseWorkflow.Define(library), cancellationToken: interrupted.Token);
    await using var cancelling = interrupted.Token.Register(() => _ = run.CancelAsync().AsTask());

    var log = await new LiveView(console).ShowAsync(run.WatchAsync());
    var state = await run.Completion;
    new Ending(console).Show(state, log, await run.ToMermaidAsync());
    return state.Status == WorkflowStatus.Completed ? Success : Failure;
}
