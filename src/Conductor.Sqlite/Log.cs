using Microsoft.Extensions.Logging;

namespace Conductor.Sqlite;

/// <summary>Event ids 1250 to 1299.</summary>
internal static partial class Log
{
    [LoggerMessage(1250, LogLevel.Information, "The schema of '{File}' was brought from version {From} to {To}.")]
    public static partial void Migrated(ILogger logger, string file, long from, int to);

    [LoggerMessage(1251, LogLevel.Error,
        "Dead letter {DeadLetterId} was removed: the store keeps {Limit}. Replay or clear them, or raise RetentionOptions.MaxDeadLetters.")]
    public static partial void DeadLetterEvicted(ILogger logger, string deadLetterId, int limit);

    [LoggerMessage(1252, LogLevel.Warning, "What retention no longer keeps could not be removed; it is tried again.")]
    public static partial void RetentionFailed(ILogger logger, Exception exception);

    [LoggerMessage(1253, LogLevel.Debug, "Retention removed {Workflows} finished run(s) and {Results} result(s) of tasks outside workflows.")]
    public static partial void Removed(ILogger logger, int workflows, int results);

    [LoggerMessage(1254, LogLevel.Warning, "A group of {Count} saves failed and is done one by one.")]
    public static partial void GroupFailed(ILogger logger, Exception exception, int count);

    [LoggerMessage(1255, LogLevel.Debug, "The write-ahead log could not be emptied at the end; the next start does it.")]
    public static partial void CheckpointFailed(ILogger logger, Exception exception);

    [LoggerMessage(1256, LogLevel.Warning, "The database could not be opened. Nobody waits for it any more: connecting was cancelled before.")]
    public static partial void OpeningFailed(ILogger logger, Exception exception);

    [LoggerMessage(1257, LogLevel.Debug, "The write-ahead log is long, and could not be emptied beside the reads; it is tried again.")]
    public static partial void LogNotEmptied(ILogger logger, Exception exception);

    [LoggerMessage(1258, LogLevel.Warning,
        "'{File}' is mounted by itself, without its folder: its write-ahead log, with what was saved last, is not on the mounted volume, and other processes " +
            "with the file do not see it. Mount the folder.")]
    public static partial void MountedAlone(ILogger logger, string file);
}
