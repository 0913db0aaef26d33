using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Conductor.DependencyInjection;

/// <summary>
/// What a configuration gives a setting, and what it may be given. The binder passes over a value where a group or a list belongs, says of one that has not
/// the form of its setting that it could not convert it, and stops at the first.
/// </summary>
internal static class SettingValues
{
    /// <summary>What is wrong with a value that stands where a group of settings belongs; null for nothing.</summary>
    public static string? ProblemOfGroup(IConfiguration group) => group is IConfigurationSection { Value: { } value } section
        ? $"'{section.Path}' is {Quoted(value)}, and is a group of settings; set those: '{section.Path}:…' (in JSON an object)."
        : null;

    /// <summary>What is wrong with what a setting is given; null for nothing. A setting that is a group is looked at by itself.</summary>
    /// <param name="given">What it is given.</param>
    /// <param name="type">The setting's type.</param>
    public static string? ProblemOf(IConfigurationSection given, Type type)
    {
        if (type == typeof(IList<string>))
        {
            return ProblemOfList(given);
        }

        if (FormOf(Nullable.GetUnderlyingType(type) ?? type) is not var (form, fits))
        {
            return null;
        }

        if (given.GetChildren().Any())
        {
            return $"'{given.Path}' is one value, and has parts here; give it {form}.";
        }

        // (Nothing is what a setting is given that may be left without a value.)
        return given.Value is not { } value || fits(value) || (value.Length == 0 && Nullable.GetUnderlyingType(type) is not null)
            ? null
            : $"'{given.Path}' is {Quoted(value)}; give it {form}, or leave it out.";
    }

    private static string? ProblemOfList(IConfigurationSection given)
    {
        if (!string.IsNullOrEmpty(given.Value))
        {
            return $"'{given.Path}' is {Quoted(given.Value)}, and is a list; number what it holds: '{given.Path}:0' (in JSON an array).";
        }

        if (given.GetChildren().FirstOrDefault(static item => !int.TryParse(item.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _)) is { } odd)
        {
            return $"'{odd.Path}' stands in a list; number what that holds: '{given.Path}:0' (in JSON an array).";
        }

        // The binder would leave it out.
        return given.GetChildren().FirstOrDefault(static item => item.GetChildren().Any()) is { } group
            ? $"'{group.Path}' is one value, and has parts here; give it a text such as 'LLM_TIMEOUT'."
            : null;
    }

    /// <summary>How a value of a type is written, as the binder reads it; null for a group.</summary>
    private static (string Form, Func<string, bool> Fits)? FormOf(Type type)
    {
        if (type == typeof(TimeSpan))
        {
            return ("a time such as '00:00:30' (hours:minutes:seconds, up to 23 hours; '7.00:00:00' are seven days)", IsTime);
        }

        if (type == typeof(int))
        {
            return ("a whole number", static value => int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out _));
        }

        if (type == typeof(double))
        {
            return ("a number such as '1.5'", static value => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _));
        }

        if (type == typeof(bool))
        {
            return ("'true' or 'false'", static value => bool.TryParse(value, out _));
        }

        return type.IsEnum
            ? ($"one of {string.Join(", ", Enum.GetNames(type))}", value => IsNameOf(type, value))
            : null;
    }

    /// <summary>.NET takes several names for a set of flags, which makes another value of them, and any number.</summary>
    private static bool IsNameOf(Type type, string value) => Enum.GetNames(type).Contains(value.Trim(), StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// .NET takes a number alone for days, and so it does with hours that are more than a day has ('48:00:00' are 48 days to it): hardly ever what they were
    /// meant to be.
    /// </summary>
    private static bool IsTime(string value) =>
        TimeSpan.TryParse(value, CultureInfo.InvariantCulture, out var time)
        && (time == TimeSpan.Zero || (value.Contains(':', StringComparison.Ordinal) && (time.Days == 0 || HasDays(value.Split(':')))));

    /// <summary>Whether days are named as such: 'days.hours:minutes:seconds', or with a ':' in place of the '.'.</summary>
    private static bool HasDays(string[] parts) => parts.Length > 3 || parts[0].Contains('.', StringComparison.Ordinal);

    private static string Quoted(string value) => value.Length == 0 ? "empty" : $"'{value}'";
}
