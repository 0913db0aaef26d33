namespace Conductor;

/// <summary>What is done about settings that are not valid.</summary>
internal static class SettingProblems
{
    /// <summary>Refuses settings of a part that is being made, and says everything that is wrong with them at once.</summary>
    /// <param name="problems">What is wrong, a sentence each.</param>
    /// <param name="parameterName">The parameter that they came by; null where they came by several.</param>
    public static void ThrowIfAny(IEnumerable<string> problems, string? parameterName)
    {
        if (problems.ToList() is { Count: > 0 } all)
        {
            throw new ArgumentException(string.Join(' ', all), parameterName);
        }
    }

    /// <summary>What is null among settings that must not be.</summary>
    /// <param name="path">Where the settings stand, to quote them by.</param>
    /// <param name="settings">The settings, by their names from there.</param>
    public static IEnumerable<string> OfNulls(string path, IEnumerable<(string Setting, object? Value)> settings) => settings
        .Where(static setting => setting.Value is null).Select(setting => $"{path}.{setting.Setting} is null; leave it as it is for the defaults.");

    /// <summary>What is wrong with a setting of a closed set, if anything.</summary>
    /// <param name="setting">The setting, as it is quoted.</param>
    /// <param name="value">Its value.</param>
    public static IEnumerable<string> OfEnum<T>(string setting, T value)
        where T : struct, Enum => Enum.IsDefined(value) ? [] : [$"{setting} is {value}; use one of {string.Join(", ", Enum.GetNames<T>())}."];
}
