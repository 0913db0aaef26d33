using System.Globalization;

namespace Conductor.Benchmarks.Peers;

/// <summary>What the command line says.</summary>
internal sealed record Options
{
    public const string Usage = """
        Measures Conductor beside what it would be picked instead of.

            dotnet run -c Release --project tests/Conductor.Benchmarks.Peers -- [durable] [options]

            durable                   work that survives the process, beside Hangfire on a PostgreSQL that is started for it
            --only one,many64         these scenarios or groups of scenarios
            --contenders proto,akka   these contenders
            --rounds 5                how often everybody takes a turn
            --quick                   one short round, for trying; the figures are not to be relied on
            --write                   puts the figures into docs/performance.md and docs/performance.svg
        """;

    private const int DefaultRounds = 5;

    public bool IsDurable { get; init; }

    public IReadOnlyCollection<string> Only { get; init; } = [];

    public IReadOnlyCollection<string> Contenders { get; init; } = [];

    public int? Rounds { get; init; }

    public bool IsQuick { get; init; }

    public bool Writes { get; init; }

    public int RoundsToRun => Rounds ?? (IsQuick ? 1 : DefaultRounds);

    public static Options Parse(IEnumerable<string> args)
    {
        var options = new Options();
        var rest = new Queue<string>(args);
        while (rest.TryDequeue(out var arg))
        {
            options = arg switch
            {
                "durable" => options with { IsDurable = true },
                "--only" => options with { Only = List(arg, rest) },
                "--contenders" => options with { Contenders = List(arg, rest) },
                "--rounds" => options with { Rounds = Number(arg, rest) },
                "--quick" => options with { IsQuick = true },
                "--write" => options with { Writes = true },
                _ => throw new UsageException($"'{arg}' is not known.{Environment.NewLine}{Environment.NewLine}{Usage}"),
            };
        }

        return options;
    }

    private static string[] List(string arg, Queue<string> rest) =>
        Value(arg, rest).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static int Number(string arg, Queue<string> rest) =>
        int.TryParse(Value(arg, rest), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new UsageException($"{arg} takes a number of 1 or more.");

    private static string Value(string arg, Queue<string> rest) => rest.TryDequeue(out var value) ? value : throw new UsageException($"{arg} takes a value.");
}
