using Microsoft.Extensions.Configuration;

namespace Conductor.DependencyInjection;

/// <summary>What settings are taken from.</summary>
/// <param name="section">A section, or the root of a configuration.</param>
internal sealed class SettingsSource(IConfiguration section)
{
    /// <summary>The path of a section that the configuration has not; null where it has it. It may be misspelt, and may come to be later.</summary>
    public string? Missing => section is IConfigurationSection named && !named.Exists() ? named.Path : null;
}
