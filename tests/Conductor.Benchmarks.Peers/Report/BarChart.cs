using System.Globalization;
using System.Security;
using System.Text;
using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Scenarios;

namespace Conductor.Benchmarks.Peers.Report;

/// <summary>The times of three scenarios as bars, each scenario on a linear scale of its own. Drawn on white, so that it can be read on any page.</summary>
internal sealed class BarChart(Results results)
{
    private const int Width = 860;
    private const int Margin = 24;
    private const int LabelWidth = 250;
    private const int ValueWidth = 90;
    private const int LongestBar = Width - (2 * Margin) - LabelWidth - ValueWidth;
    private const int RowHeight = 24;
    private const int BarHeight = 16;
    private const int TitleHeight = 38;

    private const string Ink = "#1f2328";
    private const string Accent = "#0b62c4";
    private const string Plain = "#a3acb8";

    private static readonly (string Scenario, string Title)[] _groups =
    [
        (ScenarioList.One, "One caller, one callee: time per call"),
        (ScenarioList.ManyThousand, "1,000 callers, 8 callees that suspend once: time per call"),
        (ScenarioList.Workflow, "Workflow of 3 × 10 tasks that do nothing: time per workflow"),
    ];

    private readonly StringBuilder _shapes = new();
    private int _top = Margin;

    public string Draw()
    {
        foreach (var (scenario, title) in _groups)
        {
            Group(scenario, title);
        }

        var height = _top + Margin;
        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{height}" viewBox="0 0 {Width} {height}" role="img" aria-label="Times, shorter is better">
            <rect width="{Width}" height="{height}" rx="8" fill="#ffffff"/>
            <g font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="13" fill="{Ink}">
            {_shapes}</g>
            </svg>

            """;
    }

    private void Group(string scenario, string title)
    {
        var bars = ContenderList.CreateAll()
            .Select(contender => (Contender: contender, results.Of(scenario, contender.Name)?.Nanoseconds))
            .Where(static bar => bar.Nanoseconds is not null)
            .OrderBy(static bar => bar.Nanoseconds)
            .ToList();
        if (bars.Count == 0)
        {
            return;
        }

        Text(Margin, _top + 18, title, " font-size=\"15\" font-weight=\"600\"");
        _top += TitleHeight;
        var longest = bars[^1].Nanoseconds!.Value;
        foreach (var (contender, nanoseconds) in bars)
        {
            Bar(contender, nanoseconds!.Value, Math.Max(nanoseconds.Value / longest * LongestBar, 1));
        }

        _top += RowHeight / 2;
    }

    private void Bar(Contender contender, double nanoseconds, double length)
    {
        var isOurs = contender.Name == ContenderList.Ours;
        var weight = isOurs ? " font-weight=\"600\"" : string.Empty;
        var baseline = _top + BarHeight - 3;
        Text(Margin, baseline, contender.Title, weight);
        var fill = isOurs ? Accent : Plain;
        _shapes.Append(
            CultureInfo.InvariantCulture,
            $"""<rect x="{Margin + LabelWidth}" y="{_top}" width="{length:0.#}" height="{BarHeight}" fill="{fill}"/>""");
        _shapes.Append('\n');
        Text(Margin + LabelWidth + length + 8, baseline, Format.Time(nanoseconds), weight);
        _top += RowHeight;
    }

    private void Text(double x, double y, string text, string attributes) =>
        _shapes.Append(CultureInfo.InvariantCulture, $"""<text x="{x:0.#}" y="{y:0.#}"{attributes}>{SecurityElement.Escape(text)}</text>""").Append('\n');
}
