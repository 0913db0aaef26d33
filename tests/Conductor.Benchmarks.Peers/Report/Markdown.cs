using System.Text;
using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Contenders.Ours;
using Conductor.Benchmarks.Peers.Measuring;
using Conductor.Benchmarks.Peers.Scenarios;

namespace Conductor.Benchmarks.Peers.Report;

/// <summary>The tables, and what must be known to read them.</summary>
internal sealed class Markdown(Results results, Options options)
{
    private const string ToFloor = "÷ channel hop";
    private const string OursToIt = "Conductor ÷ it";

    private readonly StringBuilder _text = new();

    public string Write()
    {
        var contenders = results.ContendersOf(results.Scenarios);
        _text.Append(Facts.Machine(options.RoundsToRun, options.IsQuick)).Append('\n').Append(Facts.Processors(results.Distance))
            .Append(Facts.Packages(contenders));
        if (options.IsDurable)
        {
            Durable();
        }
        else
        {
            _text.Append(
                """

                A number goes in and the number after it must come out of every call and task, and every subscriber must get every message. Time is wall time divided by
                operations; p50 and p99 are of single operations as their callers see them; bytes are what the whole process allocated, "without the request" less what the
                caller makes by itself: the task, the message. Below 1× in the last column Conductor is the faster one.

                """);
            Single("one", "One caller, one callee", "per call");
            Single("many64", "64 callers, 8 callees that suspend once", "per call");
            Single("many1000", "1,000 callers, 8 callees that suspend once", "per call");
            Single("workflow", "A workflow of 3 × 10 tasks that do nothing", "per workflow");
            Sizes("publish", "Publish to 1, 10 and 100 subscribers with a queue each: time and bytes per delivery");
            Sizes("agents", "One caller, by how many agents or actors there are: time and bytes per call");
            Idle();
            Single("otel", "With and without OpenTelemetry listening", "per call");
            Listening();
            Sizes("big", "A workflow by how many tasks it has: time and bytes per task");
            Growth();
        }

        TraitsOf(contenders);
        return _text.ToString();
    }

    /// <summary>A scenario with a table to itself.</summary>
    private void Single(string scenario, string title, string unit)
    {
        var table = new Table("", $"time {unit}", "p50", "p99", "allocated", "without the request", ToFloor, OursToIt);
        var floor = results.Of(scenario, ContenderList.Floor);
        var ours = results.Of(scenario, ContenderList.Ours);
        foreach (var (contender, figures) in Rows(scenario))
        {
            table.Add(
                Emphasize(contender),
                Format.Time(figures.Nanoseconds),
                Format.Time(IsTooShort(figures) ? null : figures.P50),
                Format.Time(IsTooShort(figures) ? null : figures.P99),
                Format.Bytes(figures.Bytes),
                figures.RequestBytes < 1 ? Format.None : Format.Bytes(Math.Max(figures.Bytes - figures.RequestBytes, 0)),
                Format.Ratio(figures.Nanoseconds, floor?.Nanoseconds),
                IsOurs(contender) ? Format.None : Format.Ratio(ours?.Nanoseconds, figures.Nanoseconds));
        }

        Append(title, table);
    }

    /// <summary>Several sizes of the same in one table.</summary>
    private void Sizes(string group, string title)
    {
        var scenarios = results.Scenarios.Where(scenario => scenario.Group == group).ToList();
        var table = new Table(["", .. scenarios.Select(static scenario => scenario.Column), ToFloor, OursToIt]);
        foreach (var contender in results.ContendersOf(scenarios))
        {
            var figures = scenarios.Select(scenario => results.Of(scenario.Name, contender.Name)).ToList();
            table.Add(
            [
                Emphasize(contender),
                .. figures.Select(static size => size is null ? Format.None : $"{Format.Time(size.Nanoseconds)}, {Format.Bytes(size.Bytes)}"),
                Ratios(scenarios, figures, (size, scenario) => Format.Ratio(size?.Nanoseconds, results.Of(scenario, ContenderList.Floor)?.Nanoseconds)),
                IsOurs(contender)
                    ? Format.None
                    : Ratios(scenarios, figures, (size, scenario) => Format.Ratio(results.Of(scenario, ContenderList.Ours)?.Nanoseconds, size?.Nanoseconds)),
            ]);
        }

        Append(title, table);
    }

    /// <summary>The ratios of all sizes in one cell.</summary>
    private static string Ratios(List<Scenario> scenarios, List<Measurement?> figures, Func<Measurement?, string, string> ratio) =>
        string.Join(", ", figures.Zip(scenarios, (size, scenario) => ratio(size, scenario.Name)).Where(static text => text.Length > 0));

    private void Idle()
    {
        var scenarios = results.Scenarios.Where(static scenario => scenario.Group == "agents").ToList();
        var table = new Table(["", .. scenarios.Select(static scenario => scenario.Column)]);
        foreach (var contender in results.ContendersOf(scenarios))
        {
            table.Add([Emphasize(contender), .. scenarios.Select(scenario => Format.Bytes(results.Of(scenario.Name, contender.Name)?.IdleBytes))]);
        }

        Append("What an idle agent or actor holds on to, registration included, by how many there are", table);
    }

    private void Listening()
    {
        var alone = results.Of("otel", ContenderList.Ours);
        var observed = results.Of("otel", ObservedConductorContender.PlainName);
        if (alone is not null && observed is not null)
        {
            _text.Append("\nA call that is listened to costs ").Append(Format.Ratio(observed.Nanoseconds, alone.Nanoseconds)).Append(" the time and ")
                .Append(Format.Ratio(observed.Bytes, alone.Bytes)).Append(" the bytes of one that is not.\n");
        }
    }

    private void Growth()
    {
        var small = results.Of("big100", ContenderList.Ours);
        var large = results.Of("big100000", ContenderList.Ours);
        if (small is not null && large is not null)
        {
            _text.Append("\nA task of the large workflow costs ").Append(Format.Ratio(large.Nanoseconds, small.Nanoseconds)).Append(" the time and ")
                .Append(Format.Ratio(large.Bytes, small.Bytes)).Append(" the bytes of one of the small.\n");
        }
    }

    private void Durable()
    {
        _text.Append(
            $"""

            64 callers hand in jobs that give back the number after theirs, checked, until all are done. With Conductor each caller waits for a result,
            which is on disk by then (`synchronous = FULL`), before its next job. With Hangfire callers only hand in, and a job counts as done when it ran;
            it has 64 workers and {results.Database} with its defaults (`fsync` on).

            """);
        var ours = results.Of(ScenarioList.Durable, SqliteConductorContender.PlainName);
        var table = new Table("", "jobs/s", "time per job", "Conductor's rate ÷ its");
        foreach (var (contender, figures) in Rows(ScenarioList.Durable))
        {
            table.Add(
                Emphasize(contender),
                $"{1_000_000_000 / figures.Nanoseconds:N0}",
                Format.Time(figures.Nanoseconds),
                IsOurs(contender) ? Format.None : Format.Ratio(figures.Nanoseconds, ours?.Nanoseconds));
        }

        Append("64 jobs at once that survive the process", table);
    }

    private void TraitsOf(IEnumerable<Contender> contenders)
    {
        var table = new Table(["", .. Traits.Questions]);
        foreach (var contender in contenders)
        {
            table.Add([Emphasize(contender), .. contender.Traits.Answers]);
        }

        Append("What each does for a call as measured here", table);
    }

    private IEnumerable<(Contender Contender, Measurement Figures)> Rows(string scenario) =>
        from contender in ContenderList.CreateAll()
        let figures = results.Of(scenario, contender.Name)
        where figures is not null
        select (contender, figures);

    private void Append(string title, Table table)
    {
        if (!table.IsEmpty)
        {
            _text.Append("\n### ").Append(title).Append("\n\n").Append(table);
        }
    }

    /// <summary>Taking the time of a single call takes as long as such a call.</summary>
    private static bool IsTooShort(Measurement figures) => figures.Nanoseconds < 100;

    private static string Emphasize(Contender contender) => IsOurs(contender) ? $"**{contender.Title}**" : contender.Title;

    private static bool IsOurs(Contender contender) => contender is ConductorContender;
}
