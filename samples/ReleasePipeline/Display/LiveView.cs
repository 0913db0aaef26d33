using Conductor;
using Spectre.Console;

namespace ReleasePipeline.Display;

/// <summary>Shows a run while it happens: a table that changes on a terminal, a line for each event anywhere else.</summary>
internal sealed class LiveView(IAnsiConsole console)
{
    /// <summary>Shows the events until there are no more.</summary>
    /// <param name="events">The run's events.</param>
    /// <returns>What was seen.</returns>
    public async Task<RunLog> ShowAsync(IAsyncEnumerable<WorkflowEvent> events)
    {
        var log = new RunLog();
        if (!console.Profile.Out.IsTerminal)
        {
            await foreach (var happened in events)
            {
                log.Add(happened);
                await console.Profile.Out.Writer.WriteLineAsync(happened.ToString());
            }

            return log;
        }

        await console.Live(RunTable.Draw(log.Lines)).AutoClear(true).StartAsync(async live =>
        {
            await foreach (var happened in events)
            {
                log.Add(happened);
                live.UpdateTarget(RunTable.Draw(log.Lines));
            }
        });
        return log;
    }
}
