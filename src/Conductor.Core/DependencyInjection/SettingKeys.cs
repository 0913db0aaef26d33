using System.Diagnostics.CodeAnalysis;
using Conductor.Coordination;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Workflows;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Conductor.DependencyInjection;

/// <summary>
/// Fills the settings from a configuration. Of keys that are none of them the binder says the names alone; here is said where they stand, and what they may
/// have been meant to be.
/// </summary>
internal static class SettingKeys
{
    private const int FarthestTypo = 3;

    /// <summary>Fills the settings. A key that is none of them is a setting that is not valid.</summary>
    /// <param name="section">The section.</param>
    /// <param name="options">The settings.</param>
    /// <exception cref="OptionsValidationException">A key is no setting.</exception>
    /// <exception cref="InvalidOperationException">A value has not the form of its setting.</exception>
    public static void Bind(IConfiguration section, ConductorOptions options)
    {
        if (UnknownIn(section).ToList() is { Count: > 0 } unknown)
        {
            throw new OptionsValidationException(Options.DefaultName, typeof(ConductorOptions), unknown);
        }

        // (The binder knows what is deeper, under a setting that has no parts.)
        section.Bind(options, static binder => binder.ErrorOnUnknownConfiguration = true);
    }

    private static IEnumerable<string> UnknownIn(IConfiguration root) =>
    [
        .. Unknown(root, typeof(ConductorOptions)),
        .. Unknown(root.GetSection(nameof(ConductorOptions.Retry)), typeof(RetryOptions)),
        .. Unknown(root.GetSection(nameof(ConductorOptions.CircuitBreaker)), typeof(CircuitBreakerOptions)),
        .. root.GetSection(nameof(ConductorOptions.AgentTypes)).GetChildren().SelectMany(UnknownOfType),
        .. Unknown(root.GetSection(nameof(ConductorOptions.Dispatch)), typeof(DispatchOptions)),
        .. Unknown(root.GetSection(nameof(ConductorOptions.Policies)), typeof(PolicyOptions)),
        .. Unknown(root.GetSection(nameof(ConductorOptions.Workflows)), typeof(WorkflowOptions)),
        .. Unknown(root.GetSection(nameof(ConductorOptions.Bus)), typeof(MessageBusOptions)),
        .. Unknown(root.GetSection(nameof(ConductorOptions.Retention)), typeof(RetentionOptions)),
    ];

    private static IEnumerable<string> UnknownOfType(IConfigurationSection type) =>
    [
        .. Unknown(type, typeof(AgentTypeOptions)),
        .. Unknown(type.GetSection(nameof(AgentTypeOptions.Retry)), typeof(RetryOverrideOptions)),
        .. Unknown(type.GetSection(nameof(AgentTypeOptions.CircuitBreaker)), typeof(CircuitBreakerOverrideOptions)),
    ];

    private static IEnumerable<string> Unknown(
        IConfiguration section, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type options)
    {
        var settings = options.GetProperties().Select(static property => property.Name).ToList();
        return section.GetChildren().Where(child => !settings.Contains(child.Key, StringComparer.OrdinalIgnoreCase)).Select(
            child => $"'{child.Path}' is no setting; " +
                (Nearest(child.Key, settings) is { } near ? $"did you mean '{near}'?" : "keys of your own belong in another section.") +
                " docs/settings.md lists all settings.");
    }

    /// <summary>The setting that a key is a misspelling of, most likely; null when it is like none.</summary>
    private static string? Nearest(string key, IEnumerable<string> settings) => settings
        .Select(setting => (Setting: setting, Edits: Edits(key.ToUpperInvariant(), setting.ToUpperInvariant())))
        .Where(near => near.Edits <= FarthestTypo && near.Edits * 2 < Math.Max(key.Length, near.Setting.Length))
        .OrderBy(static near => near.Edits).Select(static near => near.Setting).FirstOrDefault();

    /// <summary>How many letters have to be put in, taken out or changed to make one word of another (Levenshtein).</summary>
    private static int Edits(string word, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= word.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (word[i - 1] == other[j - 1] ? 0 : 1)));
            }
        }

        return row[^1];
    }
}
