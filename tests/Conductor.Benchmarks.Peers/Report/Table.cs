using System.Text;

namespace Conductor.Benchmarks.Peers.Report;

/// <summary>A table in Markdown: the first column is text, the others are figures.</summary>
internal sealed class Table(params IReadOnlyList<string> head)
{
    private readonly List<IReadOnlyList<string>> _rows = [];

    public bool IsEmpty => _rows.Count == 0;

    public void Add(params IReadOnlyList<string> cells) => _rows.Add(cells);

    /// <summary>Without the columns in which no row has anything.</summary>
    public override string ToString()
    {
        var columns = Enumerable.Range(0, head.Count).Where(column => column == 0 || _rows.Exists(row => row[column].Length > 0)).ToList();
        var text = new StringBuilder();
        Append(text, columns, head);
        text.Append('|').AppendJoin('|', columns.Select(static column => column == 0 ? "---" : "---:")).Append("|\n");
        _rows.ForEach(row => Append(text, columns, row));
        return text.ToString();
    }

    private static void Append(StringBuilder text, List<int> columns, IReadOnlyList<string> cells) =>
        text.Append("| ").AppendJoin(" | ", columns.Select(column => cells[column])).Append(" |\n");
}
