using Microsoft.Extensions.Logging;

namespace Conductor.Workflows;

/// <summary>Event ids 1400 to 1499.</summary>
internal static partial class Log
{
    [LoggerMessage(1400, LogLevel.Information, "Run {WorkflowId} of workflow {Definition} started with {Tasks} task(s).")]
    public static partial void Started(ILogger logger, string workflowId, string definition, int tasks);

    [LoggerMessage(1401, LogLevel.Information, "Run {WorkflowId} of workflow {Definition} ended as {Status} after {Rounds} feedback round(s).")]
    public static partial void Ended(ILogger logger, string workflowId, string definition, WorkflowStatus status, int rounds);

    [LoggerMessage(1402, LogLevel.Error, "Run {WorkflowId} failed: {Code}: {Message}")]
    public static partial void Failed(ILogger logger, string workflowId, string code, string message);

    [LoggerMessage(1403, LogLevel.Information, "Run {WorkflowId} goes back from {From} to {To} for feedback round {Round}.")]
    public static partial void SentBack(ILogger logger, string workflowId, string from, string to, int round);

    [LoggerMessage(1404, LogLevel.Warning, "Run {WorkflowId}: {Message}")]
    public static partial void Warning(ILogger logger, string workflowId, string message);

    [LoggerMessage(1405, LogLevel.Error, "Run {WorkflowId} cannot be saved here any more; its tasks are stopped.")]
    public static partial void Lost(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1406, LogLevel.Information, "Run {WorkflowId} is handed over: this engine stops.")]
    public static partial void HandedOver(ILogger logger, string workflowId);

    [LoggerMessage(1407, LogLevel.Error, "Task {TaskId} of run {WorkflowId} failed in a way nobody foresaw.")]
    public static partial void TaskFailed(ILogger logger, Exception exception, string taskId, string workflowId);

    [LoggerMessage(1408, LogLevel.Warning, "The progress callback of run {WorkflowId} failed.")]
    public static partial void ProgressFailed(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1409, LogLevel.Warning, "The lease of run {WorkflowId} could not be renewed; it is tried again.")]
    public static partial void RenewalFailed(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1410, LogLevel.Debug, "A notice about run {WorkflowId} could not be published; the store has it.")]
    public static partial void NoticeFailed(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1411, LogLevel.Information,
        "Run {WorkflowId} of workflow {Definition} goes on here with {Finished} of {Tasks} task(s) finished: {Message}.")]
    public static partial void Resumed(ILogger logger, string workflowId, string definition, int finished, int tasks, string message);

    [LoggerMessage(1412, LogLevel.Error, "Task {TaskId} of run {WorkflowId} is given up: its process died {Crashes} time(s) while it was under way.")]
    public static partial void TaskCrashed(ILogger logger, string taskId, string workflowId, int crashes);

    [LoggerMessage(1413, LogLevel.Error, "Run {WorkflowId} could not be taken over; it is tried again.")]
    public static partial void TakeOverFailed(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1414, LogLevel.Warning, "Run {WorkflowId} is not taken over here: {Reason}")]
    public static partial void NotTakenOver(ILogger logger, string workflowId, string reason);

    [LoggerMessage(1415, LogLevel.Warning, "Lease {Lease} could not be given back; it runs out by itself.")]
    public static partial void ReleaseFailed(ILogger logger, Exception exception, string lease);

    [LoggerMessage(1416, LogLevel.Error, "The store could not be asked for runs to take over; it is tried again.")]
    public static partial void ScanFailed(ILogger logger, Exception exception);

    [LoggerMessage(1417, LogLevel.Warning, "A step of run {WorkflowId} could not be saved; it is tried again in {Delay}.")]
    public static partial void CommitRetried(ILogger logger, Exception exception, string workflowId, TimeSpan delay);

    [LoggerMessage(1418, LogLevel.Error, "Somebody who listens to traces or metrics failed in run {WorkflowId}.")]
    public static partial void ListenerFailed(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1419, LogLevel.Warning, "Run {WorkflowId}, which another process may run, could not be followed; it is tried again.")]
    public static partial void FollowingFailed(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1420, LogLevel.Error,
        "Run {WorkflowId} could not be handed over in the time that the stop had: its next owner goes on when the lease has run out.")]
    public static partial void NotHandedOver(ILogger logger, string workflowId);

    [LoggerMessage(1421, LogLevel.Error, "A migration of run {WorkflowId} that nobody waits for any more failed.")]
    public static partial void MigrationFailed(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1422, LogLevel.Warning, "Run {WorkflowId} is over, and its final state could not be read; it is tried again in {Delay}.")]
    public static partial void EndNotRead(ILogger logger, Exception exception, string workflowId, TimeSpan delay);

    [LoggerMessage(EventId = 1423, Message = "Task {TaskId} of run {WorkflowId} was not run ({Code}): {Message}")]
    public static partial void TaskNotRun(ILogger logger, LogLevel level, string taskId, string workflowId, string code, string message);

    [LoggerMessage(1424, LogLevel.Error, "What a policy or an agent registered on a token of run {WorkflowId} failed when the run was stopped.")]
    public static partial void CallbackFailed(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1425, LogLevel.Warning, "Task {TaskId} ended with an exception as run {WorkflowId} was handed over: its next owner runs it again.")]
    public static partial void TaskLeft(ILogger logger, Exception exception, string taskId, string workflowId);

    [LoggerMessage(1426, LogLevel.Warning,
        "Dead letter {DeadLetterId} of run {WorkflowId}, whose task has succeeded since, could not be removed: do not replay it.")]
    public static partial void SupersededKept(ILogger logger, Exception exception, string deadLetterId, string workflowId);

    [LoggerMessage(1427, LogLevel.Warning,
        "The migration of run {WorkflowId} has waited {Waited} for the tasks that run, and goes on waiting. Should one of them have asked for it, " +
        "it waits for itself.")]
    public static partial void MigrationWaits(ILogger logger, string workflowId, TimeSpan waited);

    [LoggerMessage(1428, LogLevel.Warning, "Run {WorkflowId}, which another process may run, is followed no longer by a handle on it.")]
    public static partial void FollowedNoLonger(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1429, LogLevel.Information,
        "Run {WorkflowId} ({Definition}) is left to whoever shares the store and has agents of its types: none is registered here.")]
    public static partial void LeftToOthers(ILogger logger, string workflowId, string definition);

    [LoggerMessage(1430, LogLevel.Information, "Run {WorkflowId} is still leased to {Owner}; it is taken over when that runs out.")]
    public static partial void StillLeased(ILogger logger, string workflowId, string owner);

    [LoggerMessage(1431, LogLevel.Warning, "A step of run {WorkflowId}, for whose answer nobody waits any more, could not be saved.")]
    public static partial void CommitFailedLate(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1432, LogLevel.Warning, "The final state of run {WorkflowId}, for which nobody waits any more, could not be read.")]
    public static partial void EndNotReadLate(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1433, LogLevel.Warning, "The store, asked about run {WorkflowId} by somebody who waits for it no more, failed.")]
    public static partial void AnswerFailedLate(ILogger logger, Exception exception, string workflowId);

    [LoggerMessage(1434, LogLevel.Warning, "The wish to cancel run {WorkflowId} could not be stored now; it is tried again in {Delay}.")]
    public static partial void CancelledLater(ILogger logger, Exception exception, string workflowId, TimeSpan delay);

    [LoggerMessage(1435, LogLevel.Error,
        "The wish to cancel run {WorkflowId} could not be stored. It is cancelled in this engine; should the process end before that is stored, it goes on.")]
    public static partial void CancelledHereAlone(ILogger logger, Exception exception, string workflowId);
}
