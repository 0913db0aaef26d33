using Conductor.Agents;
using Microsoft.Extensions.DependencyInjection;
using YourOwnTypes;

var services = new ServiceCollection();
services.AddSingleton<Glossary>();
services.AddConductor()
    .AddJsonContext(DocumentJsonContext.Default)
    .AddAgent<Translator>(Book.Translator)
    .AddAgent<Proofreader>(Book.Proofreader)
    .AddAgent(Book.Typesetter, (string title, TaskContext task, CancellationToken _) => ValueTask.FromResult(
        $"{title}: {task.Output<string>("german")} {task.Output<string>("french")} ({task.Output<int>("proofread")} words)"));
await using var provider = services.BuildServiceProvider();
await using var conductor = await provider.StartConductorAsync();

// One task of a type of your own, typed on its way in and out.
var document = new Document { Text = "Good morning", To = "de" };
Console.WriteLine($"In German: {await conductor.DispatchAsync<Document, string>(Book.Translator, document)}");

// A workflow of phases of your own, watched while it runs.
Console.WriteLine("\nThe workflow, live:");
await using var run = await conductor.Workflows.StartWorkflowAsync(Book.PageOf("Good morning"));
await foreach (var happened in run.WatchAsync())
{
    Console.WriteLine(happened);
}

var state = (await run.Completion).EnsureCompleted();
Console.WriteLine($"\n{state.TaskResults["page"].Output.Get<string>()}");
Console.WriteLine($"\n{await run.ToMermaidAsync()}");
