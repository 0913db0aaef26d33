using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>Event ids 1330 to 1399.</summary>
internal static partial class Log
{
    [LoggerMessage(1330, LogLevel.Information, "Coordinator {CoordinatorId} started.")]
    public static partial void Started(ILogger logger, string coordinatorId);

    [LoggerMessage(1331, LogLevel.Information, "Coordinator {CoordinatorId} stopped; {Abandoned} dispatch(es) had to be cancelled.")]
    public static partial void Stopped(ILogger logger, string coordinatorId, int abandoned);

    [LoggerMessage(1332, LogLevel.Information, "Agent {AgentId} of type {AgentType} is registered.")]
    public static partial void Registered(ILogger logger, string agentId, string agentType);

    [LoggerMessage(1333, LogLevel.Information, "Agent {AgentId} is unregistered.")]
    public static partial void Unregistered(ILogger logger, string agentId);

    [LoggerMessage(1334, LogLevel.Error, "The stop hook of agent {AgentId} failed. The agent is removed all the same.")]
    public static partial void StopHookFailed(ILogger logger, Exception exception, string agentId);

    [LoggerMessage(1335, LogLevel.Warning, "Agent {AgentId} ignores its cancelled token and is set aside: {Remedy}.")]
    public static partial void SetAside(ILogger logger, string agentId, string remedy);

    [LoggerMessage(1336, LogLevel.Error,
        "Agent {AgentId} could not be replaced: its type has one agent less. It is tried again in {Delay}, until it is unregistered.")]
    public static partial void ReplacementFailed(ILogger logger, Exception exception, string agentId, TimeSpan delay);

    [LoggerMessage(1337, LogLevel.Warning, "The state of agent {AgentId} could not be saved; it is tried again in {Delay}.")]
    public static partial void AgentStateNotSaved(ILogger logger, Exception exception, string agentId, TimeSpan delay);

    [LoggerMessage(1338, LogLevel.Debug, "A result of task {TaskId} from {Sender} came late or twice and was dropped.")]
    public static partial void ResultDropped(ILogger logger, string taskId, string sender);

    [LoggerMessage(1339, LogLevel.Debug, "Task {TaskId} was dispatched before; its recorded result is given.")]
    public static partial void AlreadyRecorded(ILogger logger, string taskId);

    [LoggerMessage(1340, LogLevel.Warning, "An agent {AgentId} that was removed while it ran has returned.")]
    public static partial void RemovedAgentReturned(ILogger logger, string agentId);

    [LoggerMessage(1341, LogLevel.Error, "Agent {AgentId} could not be disposed.")]
    public static partial void DisposalFailed(ILogger logger, Exception exception, string agentId);

    [LoggerMessage(1343, LogLevel.Error, "What somebody registered on the token of a dispatch failed when that was ended.")]
    public static partial void CallbackFailed(ILogger logger, Exception exception);

    [LoggerMessage(1344, LogLevel.Error, "A subscription of coordinator {CoordinatorId} could not be ended.")]
    public static partial void UnsubscribeFailed(ILogger logger, Exception exception, string coordinatorId);

    [LoggerMessage(1345, LogLevel.Warning, "The result of task {TaskId} could not be saved now; it is tried again in {Delay}.")]
    public static partial void ResultSavedLater(ILogger logger, Exception exception, string taskId, TimeSpan delay);

    [LoggerMessage(1346, LogLevel.Error, "The stop hook of agent {AgentId} did not end in time, and is left to itself.")]
    public static partial void StopHookLeft(ILogger logger, string agentId);

    [LoggerMessage(1347, LogLevel.Error, "Agent {AgentId} was to be replaced, and what was left of that failed. Its id is free.")]
    public static partial void ReplacementLost(ILogger logger, Exception exception, string agentId);

    [LoggerMessage(1348, LogLevel.Error,
        "The start hook of agent {AgentId}, which is no longer wanted, did not heed its token in time, and is left to itself.")]
    public static partial void StartHookLeft(ILogger logger, string agentId);

    [LoggerMessage(1349, LogLevel.Error, "What the start hook of agent {AgentId} registered on its token failed when the agent was no longer wanted.")]
    public static partial void StartCallbackFailed(ILogger logger, Exception exception, string agentId);

    [LoggerMessage(1350, LogLevel.Warning, "The lease on the replay of dead letter {DeadLetterId} could not be renewed now; it is tried again.")]
    public static partial void ReplayLeaseNotRenewed(ILogger logger, Exception exception, string deadLetterId);

    [LoggerMessage(1351, LogLevel.Warning,
        "The lease on the replay of dead letter {DeadLetterId} was lost: another replays it, and the task is cancelled here.")]
    public static partial void ReplayLeaseLost(ILogger logger, string deadLetterId);

    [LoggerMessage(1352, LogLevel.Warning, "The lease on the replay of dead letter {DeadLetterId} could not be given back; it runs out after {Term}.")]
    public static partial void ReplayLeaseNotReleased(ILogger logger, Exception exception, string deadLetterId, TimeSpan term);

    [LoggerMessage(1353, LogLevel.Warning, "Task {TaskId} waits for an agent of type {AgentType}, of which none is registered here.")]
    public static partial void NobodyHere(ILogger logger, string taskId, string agentType);

    [LoggerMessage(1354, LogLevel.Error, "The disposal of agent {AgentId} did not end in time, and is left to itself.")]
    public static partial void DisposalLeft(ILogger logger, string agentId);

    [LoggerMessage(1355, LogLevel.Error, "The store did not save or delete the state of agent {AgentId} in time: what it says of the agent may be old.")]
    public static partial void AgentStateLeft(ILogger logger, string agentId);

    [LoggerMessage(1356, LogLevel.Error, "What a hook of agent {AgentId} registered on its token failed when the hook could be waited for no longer.")]
    public static partial void HookCallbackFailed(ILogger logger, Exception exception, string agentId);

    [LoggerMessage(1357, LogLevel.Warning, "Dead letter {DeadLetterId} is replayed without what the store no longer has of run {WorkflowId}: {Missing}.")]
    public static partial void ReplayedWithout(ILogger logger, string deadLetterId, string workflowId, string missing);

    [LoggerMessage(1358, LogLevel.Error, "The start of agent {AgentId}, which was no longer wanted, failed.")]
    public static partial void LateStartFailed(ILogger logger, Exception exception, string agentId);

    [LoggerMessage(1359, LogLevel.Error, "What the start hook of an agent registered on its token failed when coordinator {CoordinatorId} stopped.")]
    public static partial void StartCallbacksFailed(ILogger logger, Exception exception, string coordinatorId);

    [LoggerMessage(1360, LogLevel.Warning, "Agent {AgentId} still handles a message as it is stopped. It was given the grace period, and is left to itself.")]
    public static partial void MessageHandlerLeft(ILogger logger, string agentId);

    [LoggerMessage(1361, LogLevel.Warning,
        "Task {TaskId} failed on agent {AgentId} while the container was being disposed ({Error}): that is not recorded. Stop Conductor, or the host, before.")]
    public static partial void FailedForWantOfServices(ILogger logger, string taskId, string agentId, string? error);

    [LoggerMessage(1362, LogLevel.Warning, "A bus or a store that coordinator {CoordinatorId} waits for no longer could not be connected.")]
    public static partial void LateConnectFailed(ILogger logger, Exception exception, string coordinatorId);

    [LoggerMessage(1363, LogLevel.Warning,
        "Task {TaskId} failed on agent {AgentId} because Conductor stops ({Error}): that is not recorded, and the task is given back.")]
    public static partial void FailedByStop(ILogger logger, string taskId, string agentId, string? error);

    [LoggerMessage(1364, LogLevel.Error, "Dead letter {DeadLetterId}, which was replayed, could not be deleted: do not replay it again.")]
    public static partial void ReplayedKept(ILogger logger, Exception exception, string deadLetterId);

    [LoggerMessage(1365, LogLevel.Warning,
        "The bus has not said whether an assignment to agent {AgentId} was published, within the grace period after its answer: it is left to itself.")]
    public static partial void PublishingLeft(ILogger logger, string agentId);

    [LoggerMessage(1366, LogLevel.Warning, "An assignment to agent {AgentId}, which the bus was no longer waited for at, could not be published.")]
    public static partial void PublishFailedLate(ILogger logger, Exception exception, string agentId);

    [LoggerMessage(1367, LogLevel.Warning,
        "The bus does not answer coordinator {CoordinatorId}, which ends a subscription ({Listener}): that was given the grace period, and is left to itself.")]
    public static partial void UnsubscribingLeft(ILogger logger, string coordinatorId, string listener);

    [LoggerMessage(1368, LogLevel.Warning,
        "Agent {AgentId} was still being unregistered as coordinator {CoordinatorId} stopped. It was given the grace period, and is left to itself.")]
    public static partial void UnregisteringLeft(ILogger logger, string agentId, string coordinatorId);

    [LoggerMessage(1370, LogLevel.Error, "What a policy registered on its token failed when the policy's answer about task {TaskId} was no longer waited for.")]
    public static partial void PolicyCallbackFailed(ILogger logger, Exception exception, string taskId);

    [LoggerMessage(1371, LogLevel.Warning, "The store failed at the last state of agent {AgentId}, or at deleting it: what it says of the agent may be old.")]
    public static partial void LastAgentStateNotSaved(ILogger logger, Exception exception, string agentId);

    [LoggerMessage(1372, LogLevel.Warning, "The store does not answer whether the state of agent {AgentId} is saved. It is saved again when it does.")]
    public static partial void AgentStateUnanswered(ILogger logger, string agentId);
}
