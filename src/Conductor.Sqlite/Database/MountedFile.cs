namespace Conductor.Sqlite.Database;

/// <summary>
/// Whether a file is mounted by itself, as into a container, without the folder that it lies in. Its write-ahead log stands beside it under its name there: it
/// is not that of other processes with the file, and goes with the container, and what was saved last with it.
/// </summary>
internal static class MountedFile
{
    private const string Mounts = "/proc/self/mountinfo";

    /// <summary>Whether it is, as far as the system says so.</summary>
    /// <param name="path">The file, without symbolic links.</param>
    public static bool IsMounted(string path)
    {
        try
        {
            return OperatingSystem.IsLinux() && IsAmong(File.ReadLines(Mounts), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Whether it is among those that are listed (https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html).</summary>
    /// <param name="mounts">A line for each.</param>
    /// <param name="path">The file.</param>
    public static bool IsAmong(IEnumerable<string> mounts, string path)
    {
        var point = Escape(path);
        return mounts.Any(line => line.Split(' ') is [_, _, _, _, var mounted, ..] && mounted == point);
    }

    private static string Escape(string path) => path
        .Replace(@"\", @"\134", StringComparison.Ordinal)
        .Replace(" ", @"\040", StringComparison.Ordinal)
        .Replace("\t", @"\011", StringComparison.Ordinal)
        .Replace("\n", @"\012", StringComparison.Ordinal);
}
