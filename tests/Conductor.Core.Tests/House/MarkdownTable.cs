using System.Collections;
using System.Globalization;

namespace Conductor.Tests.House;

/// <summary>A table of the documentation, to be compared with the code.</summary>
internal static class MarkdownTable
{
    /// <summary>The rows of all tables below a heading, up to the next one: the text of their cells, without the marks of code.</summary>
    public static IReadOnlyList<string[]> Rows(string document, string heading)
    {
        var lines = SourceTree.Read(document).ReplaceLineEndings("\n").Split('\n');
        var section = lines.SkipWhile(line => line != heading).Skip(1).TakeWhile(static line => !line.StartsWith('#'));
        return [.. section.Where(static line => line.StartsWith('|')).Skip(
            2).Select(static line => line.Trim('|').Split('|').Select(static cell => cell.Trim()).ToArray())];
    }

    /// <summary>A cell without the marks of code.</summary>
    public static string Plain(string cell) => cell.Trim('`');

    /// <summary>The settings of an object, those within it by their path, each with its value as the documentation writes it.</summary>
    public static IEnumerable<string> Settings(object options, string path = "")
    {
        foreach (var property in options.GetType().GetProperties().Where(
            static property => property.CanWrite || property.PropertyType.IsAssignableTo(typeof(IEnumerable))))
        {
            var value = property.GetValue(options);
            var name = path + property.Name;
            if (value is null or IEnumerable and not string)
            {
                yield return $"{name} {(value is null || !((IEnumerable)value).Cast<object>().Any() ? "none" : "some")}";
            }
            else if (value.GetType().Namespace?.StartsWith(nameof(Conductor), StringComparison.Ordinal) == true && value.GetType().IsClass)
            {
                foreach (var setting in Settings(value, $"{name}."))
                {
                    yield return setting;
                }
            }
            else
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{name} {value}");
            }
        }
    }
}
