using Conductor.Sqlite.Database;

namespace Conductor.Sqlite.Tests;

/// <summary>Whether a file is mounted by itself, without the folder in which its write-ahead log stands beside it.</summary>
public sealed class MountedFileTests
{
    private static readonly string[] _mounts =
    [
        "22 27 0:21 / /proc rw,relatime - proc proc rw",
        "900 700 8:1 /srv/conductor.db /data/conductor.db rw,relatime - ext4 /dev/sda1 rw",
        @"901 700 8:1 /srv/b /data/two\040words/a\134b.db rw,relatime shared:1 - ext4 /dev/sda1 rw",
        "902 700 8:1 /srv/folder /folder rw - ext4 /dev/sda1 rw",
        "of no form",
        string.Empty,
    ];

    [Theory]
    [InlineData("/data/conductor.db", true)]
    [InlineData(@"/data/two words/a\b.db", true)]
    [InlineData("/folder/conductor.db", false)]
    [InlineData("/data/conductor.db-wal", false)]
    [InlineData("/srv/conductor.db", false)]
    public void IsAmong_FileOrFolder_TellsThemApart(string path, bool isMounted) => MountedFile.IsAmong(_mounts, path).Should().Be(isMounted);

    [Fact]
    public void IsMounted_FileOfThisMachine_IsNot()
    {
        using var folder = new TempFolder();

        MountedFile.IsMounted(folder.Database).Should().BeFalse();
    }
}
