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
/// have been meant to be. What is wrong is said all at once.
/// </summary>
internal static class SettingKeys
{
    private const int FarthestTypo = 3;
    private const int NamedStrangers = 3;

    /// <summary>Fills the settings. A key that is none of them is a setting that is not valid; so is a value that has not the form of its setting.</summary>
    /// <param name="section">The section.</param>
    /// <param name="options">The settings.</param>
    /// <exception cref="OptionsValidationException">A key is no setting, or a value has not the form of its setting.</exception>
    public static void Bind(IConfiguration section, ConductorOptions options)
    {
        if (ProblemsIn(section).ToList() is { Count: > 0 } problems)
        {
            throw new OptionsValidationException(Options.DefaultName, typeof(ConductorOptions), problems);
        }

        section.Bind(options, static binder => binder.ErrorOnUnknownConfiguration = true);
        foreach (var type in section.GetSection(nameof(ConductorOptions.AgentTypes)).GetChildren())
        {
            // The binder takes an empty list for none, which would leave the type that of all.
            if (type.GetSection(nameof(AgentTypeOptions.Retry)).GetSection(nameof(RetryOverrideOptions.RetryableErrors)).Value is "")
            {
                (options.AgentTypes[type.Key].Retry ??= new RetryOverrideOptions()).RetryableErrors ??= [];
            }
        }
    }

    private static IEnumerable<string> ProblemsIn(IConfiguration root) =>
    [
        .. ProblemsIn(root, typeof(ConductorOptions)),
        .. ProblemsIn(root.GetSection(nameof(ConductorOptions.Retry)), typeof(RetryOptions)),
        .. ProblemsIn(root.GetSection(nameof(ConductorOptions.CircuitBreaker)), typeof(CircuitBreakerOptions)),
        .. ProblemsInTypes(root.GetSection(nameof(ConductorOptions.AgentTypes))),
        .. ProblemsIn(root.GetSection(nameof(ConductorOptions.Dispatch)), typeof(DispatchOptions)),
        .. ProblemsIn(root.GetSection(nameof(ConductorOptions.Policies)), typeof(PolicyOptions)),
        .. ProblemsIn(root.GetSection(nameof(ConductorOptions.Workflows)), typeof(WorkflowOptions)),
        .. ProblemsIn(root.GetSection(nameof(ConductorOptions.Bus)), typeof(MessageBusOptions)),
        .. ProblemsIn(root.GetSection(nameof(ConductorOptions.Retention)), typeof(RetentionOptions)),
    ];

    private static IEnumerable<string> ProblemsInTypes(IConfigurationSection types) =>
        types.GetChildren().SelectMany(ProblemsInType).Concat(SettingValues.ProblemOfGroup(types) is { } problem ? [problem] : []);

    private static IEnumerable<string> ProblemsInType(IConfigurationSection type) =>
    [
        .. ProblemsIn(type, typeof(AgentTypeOptions)),
        .. ProblemsIn(type.GetSection(nameof(AgentTypeOptions.Retry)), typeof(RetryOverrideOptions)),
        .. ProblemsIn(type.GetSection(nameof(AgentTypeOptions.CircuitBreaker)), typeof(CircuitBreakerOverrideOptions)),
    ];

    private static IEnumerable<string> ProblemsIn(
        IConfiguration group, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type options)
    {
        if (SettingValues.ProblemOfGroup(group) is { } problem)
        {
            yield return problem;
        }

        var settings = options.GetProperties();
        var names = settings.Select(static property => property.Name);
        var strangers = new List<string>();
        foreach (var child in group.GetChildren())
        {
            var setting = Array.Find(settings, property => string.Equals(property.Name, child.Key, StringComparison.OrdinalIgnoreCase));
            if (setting is null && group is not IConfigurationSection && Nearest(child.Key, names) is null)
            {
                strangers.Add(child.Key);
            }
            else if ((setting is null ? Unknown(child, names) : SettingValues.ProblemOf(child, setting.PropertyType)) is { } wrong)
            {
                yield return wrong;
            }
        }

        if (strangers.Count > 0)
        {
            yield return ProblemOfRoot(strangers);
        }
    }

    /// <summary>
    /// Of a whole configuration, which has all that the environment has: what is wrong is not each of those keys. (One that is nearly a setting is
    /// told as everywhere.)
    /// </summary>
    private static string ProblemOfRoot(List<string> strangers) =>
        $"AddConductor was given the root of a configuration, {strangers.Count} keys of which are no settings (" +
        string.Join(", ", strangers.Take(NamedStrangers).Select(static key => $"'{key}'")) + (strangers.Count > NamedStrangers ? ", …" : "") +
        "). Give it the section that the settings are in: AddConductor(builder.Configuration.GetSection(\"Conductor\")).";

    private static string Unknown(IConfigurationSection child, IEnumerable<string> settings) =>
        $"'{child.Path}' is no setting; " +
        (Nearest(child.Key, settings) is { } near ? $"did you mean '{near}'?" : "keys of your own belong in another section.") +
        " The settings are the properties of ConductorOptions.";

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
