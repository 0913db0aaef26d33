using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Conductor.DependencyInjection;
using Conductor.Diagnostics;
using Conductor.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conductor.Tests.House;

/// <summary>The lists of the documentation say what the code does: settings with their defaults, instruments, log events, attributes.</summary>
public sealed partial class DocumentationTests
{
    private const string Telemetry = "docs/telemetry.md";

    [Fact]
    public void Settings_AreThoseOfTheOptions_WithTheirDefaults() =>
        MarkdownTable.Rows("docs/settings.md", "# Settings").Select(static row => $"{MarkdownTable.Plain(row[0])} {MarkdownTable.Plain(row[1])}")
            .Should().Equal(MarkdownTable.Settings(new ConductorOptions()));

    [Fact]
    public void Metrics_AreThoseOfTheMeter_WithKindAndUnit()
    {
        var meter = new ConductorInstruments(new OwnMeters(), NullLogger.Instance).Meter;
        var instruments = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter == meter)
                {
                    instruments.Add($"{instrument.Name} {KindOf(instrument)}, {instrument.Unit}");
                }
            },
        };
        listener.Start();

        MarkdownTable.Rows(Telemetry, "## Metrics").Select(static row => $"{MarkdownTable.Plain(row[0])} {row[1]}").Should().BeEquivalentTo(instruments);
    }

    [Fact]
    public void LogEvents_AreThoseOfTheSource()
    {
        var events = SourceTree.SourceFiles.SelectMany(static file => LogMessage().Matches(SourceTree.Read(file)))
            .Select(static match => $"{match.Groups["id"].Value} {Text(match)}");

        MarkdownTable.Rows(Telemetry, "## Log events").Select(static row => $"{row[0]} {row[1]} {row[2]}").Should().Equal(events.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Attributes_AreAllNamed()
    {
        var names = typeof(ConductorTelemetry).GetNestedType("Tags", System.Reflection.BindingFlags.NonPublic)!.GetFields()
            .Select(static field => $"`{field.GetRawConstantValue()}`");

        SourceTree.Read(Telemetry).Should().ContainAll(names);
    }

    private static string KindOf(Instrument instrument) => instrument.GetType().Name switch
    {
        "Histogram`1" => "histogram",
        "Counter`1" => "counter",
        "UpDownCounter`1" => "up-down counter",
        "ObservableUpDownCounter`1" => "observable up-down counter",
        var other => other,
    };

    private static string Text(Match message)
    {
        var level = Level().Match(message.Value);
        return $"{(level.Success ? level.Groups["level"].Value.ToLowerInvariant() : "varies")} " +
            $"{string.Concat(Literal().Matches(message.Value).Select(static literal => literal.Groups["text"].Value))}";
    }

    [GeneratedRegex("""\[LoggerMessage\(\s*(EventId = )?(?<id>\d+).*?\)\]""", RegexOptions.Singleline)]
    private static partial Regex LogMessage();

    [GeneratedRegex(@"LogLevel\.(?<level>\w+)")]
    private static partial Regex Level();

    [GeneratedRegex("\"(?<text>(?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex Literal();
}
