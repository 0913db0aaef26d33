using System.Globalization;
using Conductor.Sqlite;
using Conductor.State;

namespace Conductor.Durability;

/// <summary>What the store and the logs outside it say together about a batch of workflows.</summary>
internal sealed class Verdict
{
    public int Workflows { get; private set; }

    public int Unfinished { get; private set; }

    public int NotCompleted { get; private set; }

    public int TasksLost { get; private set; }

    public int ResultsRecordedTwice { get; private set; }

    public int FinishedTwice { get; private set; }

    public int FinishedTasksRunAgain { get; private set; }

    public int EffectsWithTwoValues { get; private set; }

    public int ResultsOfAnotherValue { get; private set; }

    public int Executions { get; private set; }

    public int ExecutionsRepeated { get; private set; }

    public int EffectsRepeated { get; private set; }

    /// <summary>What must never happen.</summary>
    public int Violations =>
        Unfinished + NotCompleted + TasksLost + ResultsRecordedTwice + FinishedTwice + FinishedTasksRunAgain + EffectsWithTwoValues + ResultsOfAnotherValue;

    /// <summary>What the fence is there for.</summary>
    public int Doubles => ResultsRecordedTwice + FinishedTwice + FinishedTasksRunAgain + EffectsWithTwoValues + ResultsOfAnotherValue;

    public static async Task<Verdict> OfAsync(string database, string logs, int workflows, bool mustComplete = true)
    {
        var verdict = new Verdict { Workflows = workflows };
        var lines = Directory.Exists(logs)
            ? Directory.GetFiles(logs, "*.log").SelectMany(File.ReadAllLines).Select(static line => line.Split('\t'))
                .Where(static parts => parts.Length == 4).ToList()
            : [];
        var begins = lines.Where(static parts => parts[0] == "begin").ToLookup(static parts => parts[1], static parts => (
            At: long.Parse(parts[2], CultureInfo.InvariantCulture), Try: parts[3]), StringComparer.Ordinal);
        var values = lines.Where(static parts => parts[0] == "value").ToLookup(static parts => parts[1], static parts => parts[3], StringComparer.Ordinal);
        verdict.Executions = begins.Sum(static executions => executions.Count());
        verdict.ExecutionsRepeated = begins.Sum(
            static executions => executions.Count(static execution => !execution.Try.StartsWith("1.", StringComparison.Ordinal)));
        verdict.EffectsRepeated = lines.Where(static parts => parts[0] == "effect").GroupBy(static parts => parts[1], StringComparer.Ordinal)
            .Sum(static effects => effects.Count() - 1);
        verdict.EffectsWithTwoValues = values.Count(static seen => seen.Distinct(StringComparer.Ordinal).Count() > 1);

        await using var store = new SqliteStateManager(
            new SqliteStateOptions { ConnectionString = $"Data Source={database}" }, retention: new RetentionOptions { MaxFinishedWorkflows = 1_000_000 });
        await store.ConnectAsync();
        for (var number = 0; number < workflows; number++)
        {
            await verdict.JudgeAsync(store, Workload.RunId(number), begins, values, mustComplete);
        }

        return verdict;
    }

    public static Verdict Sum(IEnumerable<Verdict> verdicts)
    {
        var sum = new Verdict();
        foreach (var verdict in verdicts)
        {
            sum.Workflows += verdict.Workflows;
            sum.Unfinished += verdict.Unfinished;
            sum.NotCompleted += verdict.NotCompleted;
            sum.TasksLost += verdict.TasksLost;
            sum.ResultsRecordedTwice += verdict.ResultsRecordedTwice;
            sum.FinishedTwice += verdict.FinishedTwice;
            sum.FinishedTasksRunAgain += verdict.FinishedTasksRunAgain;
            sum.EffectsWithTwoValues += verdict.EffectsWithTwoValues;
            sum.ResultsOfAnotherValue += verdict.ResultsOfAnotherValue;
            sum.Executions += verdict.Executions;
            sum.ExecutionsRepeated += verdict.ExecutionsRepeated;
            sum.EffectsRepeated += verdict.EffectsRepeated;
        }

        return sum;
    }

    public override string ToString() =>
        $"{Workflows} workflows, {Executions} executions ({ExecutionsRepeated} of a later delivery), {EffectsRepeated} effects run again; " +
        $"unfinished {Unfinished}, not completed {NotCompleted}, tasks lost {TasksLost}, results recorded twice {ResultsRecordedTwice}, runs " +
            $"finished twice {FinishedTwice}, " +
        $"finished tasks run again {FinishedTasksRunAgain}, effects with two values {EffectsWithTwoValues}, results of another value {ResultsOfAnotherValue}";

    private async Task JudgeAsync(
        StateManager store, string runId, ILookup<string, (long At, string Try)> begins, ILookup<string, string> values, bool mustComplete)
    {
        if (await store.GetWorkflowStateAsync(runId) is not { } state)
        {
            Unfinished++;
            return;
        }

        Unfinished += state.IsComplete ? 0 : 1;
        NotCompleted += mustComplete && state.IsComplete && state.Status != WorkflowStatus.Completed ? 1 : 0;
        TasksLost += state.TaskCount - state.TaskResults.Count;
        var events = await EventsAsync(store, runId);
        FinishedTwice += events.Count(static happening => happening.Kind == WorkflowEventKind.WorkflowFinished) - (state.IsComplete ? 1 : 0);
        foreach (var ends in events.Where(
            static happening => happening.Kind == WorkflowEventKind.TaskFinished).GroupBy(static happening => (happening.TaskId, happening.Round)))
        {
            ResultsRecordedTwice += ends.Count() - 1;
            var key = $"{runId}:{ends.Key.TaskId}:{ends.Key.Round}";
            var recordedAt = ends.Min(static happening => happening.Timestamp.UtcTicks);
            FinishedTasksRunAgain += begins[key].Count(begin => begin.At > recordedAt);
            var recorded = await store.GetTaskResultAsync(runId, ends.Key.TaskId!, ends.Key.Round);
            ResultsOfAnotherValue += recorded is { IsSuccess: true } && values[key].FirstOrDefault() != recorded.Output.Get<string>() ? 1 : 0;
        }
    }

    private static async Task<List<WorkflowEvent>> EventsAsync(StateManager store, string runId)
    {
        var all = new List<WorkflowEvent>();
        while (await store.GetWorkflowHistoryAsync(runId, all.Count == 0 ? 0 : all[^1].Position) is { Events.Count: > 0 } history)
        {
            all.AddRange(history.Events);
        }

        return all;
    }
}
