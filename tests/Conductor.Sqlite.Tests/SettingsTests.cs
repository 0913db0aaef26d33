using Conductor.Tests.House;

namespace Conductor.Sqlite.Tests;

/// <summary>The list of the documentation says what the settings are.</summary>
public sealed class SettingsTests
{
    [Fact]
    public void Settings_AreThoseOfTheOptions_WithTheirDefaults() =>
        MarkdownTable.Rows("docs/settings.md", "## SQLite").Select(static row => $"{MarkdownTable.Plain(row[0])} {MarkdownTable.Plain(row[1])}")
            .Should().Equal(
                MarkdownTable.Settings(new SqliteStateOptions { ConnectionString = "Data Source=any.db" })
                .Where(static setting => !setting.StartsWith(nameof(SqliteStateOptions.ConnectionString), StringComparison.Ordinal)));
}
