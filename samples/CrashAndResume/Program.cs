using Conductor;
using Conductor.Workflows;
using CrashAndResume;
using Microsoft.Extensions.DependencyInjection;

// Without an argument: two lives of one program. The first is killed in the middle of its work, the second goes on where it was.
// The exit code is 0 when all went well, 1 when it did not, 2 when there is no folder to work in.
if (args.Length == 0)
{
    return await TwoLives.RunAsync();
}

var folder = args[0];
if (string.IsNullOrWhiteSpace(folder))
{
    await Console.Error.WriteLineAsync("The name of the folder is empty. Usage: CrashAndResume [<folder for database and ledger>]");
    return TwoLives.NoFolder;
}

var ledger = new Ledger(Path.Combine(folder, "ledger.txt"));
var services = new ServiceCollection();
services.AddSingleton(ledger);
services.AddConductor(options =>
    {
        // How long the next life waits before it believes that the one before is dead. 30 seconds unless you say otherwise.
        options.Workflows.LeaseDuration = TimeSpan.FromSeconds(1);
    })
    .AddAgent<Cook>(Dinner.Cook)
    .AddAgent<Waiter>(Dinner.Waiter)
    .UseSqlite($"Data Source={Path.Combine(folder, "dinner.db")}");
await using var provider = services.BuildServiceProvider();
await using var conductor = await provider.StartConductorAsync();

// The same lines in every life: an id that exists gives the run that exists.
var run = await conductor.Workflows.StartWorkflowAsync(Dinner.Definition, new WorkflowRunOptions { RunId = "dinner" });
await foreach (var happening in run.WatchAsync())
{
    if (happening.Kind is WorkflowEventKind.TaskFinished or WorkflowEventKind.Resumed)
    {
        Console.WriteLine($"   {happening.Kind} {happening.TaskId ?? happening.Message}");
    }
}

var state = await run.Completion;
Console.WriteLine($"   the run ended as {state.Status} with {state.CompletedTasks} of {state.TaskCount} tasks");
foreach (var task in state.Redeliveries)
{
    Console.WriteLine($"   {task.TaskId} was under way when a life ended: {task.Crashes} crash(es)");
}

return state.Status == WorkflowStatus.Completed ? 0 : 1;
