namespace Conductor;

/// <summary>The codes of failures, as stored, sent and carried by exceptions.</summary>
public static class ErrorCodes
{
    /// <summary>A task names no agent type.</summary>
    public const string NoAgentType = "NO_AGENT_TYPE";

    /// <summary>No agent of the type is registered, or none came free in time.</summary>
    public const string NoAvailableAgent = "NO_AVAILABLE_AGENT";

    /// <summary>An agent of this id is registered already.</summary>
    public const string AgentAlreadyRegistered = "AGENT_ALREADY_REGISTERED";

    /// <summary>A task, a workflow or its data is not valid.</summary>
    public const string TaskValidationFailed = "TASK_VALIDATION_FAILED";

    /// <summary>An attempt, or all attempts together, took longer than allowed.</summary>
    public const string AgentTimeout = "AGENT_TIMEOUT";

    /// <summary>A policy denied the action.</summary>
    public const string PolicyViolation = "POLICY_VIOLATION";

    /// <summary>The bus was used before it was connected.</summary>
    public const string BusNotConnected = "BUS_NOT_CONNECTED";

    /// <summary>The bus was disconnected while something waited on it.</summary>
    public const string BusDisconnected = "BUS_DISCONNECTED";

    /// <summary>A request was not answered in time; its outcome is unknown.</summary>
    public const string RequestTimeout = "REQUEST_TIMEOUT";

    /// <summary>The store was used before it was connected.</summary>
    public const string StateNotConnected = "STATE_NOT_CONNECTED";

    /// <summary>A save expected another version than the store has; nothing was changed.</summary>
    public const string StateConflict = "STATE_CONFLICT";

    /// <summary>Feedback still came after the last round.</summary>
    public const string MaxFeedbackLoops = "MAX_FEEDBACK_LOOPS";

    /// <summary>Tasks of a workflow depend on each other in a circle.</summary>
    public const string CircularDependency = "CIRCULAR_DEPENDENCY";

    /// <summary>A phase did not pass its gate.</summary>
    public const string PhaseGateFailed = "PHASE_GATE_FAILED";

    /// <summary>A run took longer than its definition allows.</summary>
    public const string WorkflowTimeout = "WORKFLOW_TIMEOUT";

    /// <summary>Too many tasks wait already.</summary>
    public const string QueueFull = "QUEUE_FULL";

    /// <summary>Every agent of the type is broken off.</summary>
    public const string CircuitOpen = "CIRCUIT_OPEN";

    /// <summary>Another process owns the run now, or it was handed over; nothing more can be saved here.</summary>
    public const string LeaseLost = "LEASE_LOST";

    /// <summary>A stored record is damaged.</summary>
    public const string StateCorrupt = "STATE_CORRUPT";

    /// <summary>The store cannot be reached or written now: locked, full, read-only, not to be opened. Nothing is known of what was under way.</summary>
    public const string StateUnavailable = "STATE_UNAVAILABLE";

    /// <summary>What is stored was written by a newer version of this library.</summary>
    public const string StateIncompatible = "STATE_INCOMPATIBLE";

    /// <summary>The process died too often while it ran this task.</summary>
    public const string TaskCrashed = "TASK_CRASHED";

    /// <summary>A task it depends on failed, so this one never ran.</summary>
    public const string DependencyFailed = "DEPENDENCY_FAILED";

    /// <summary>Its caller or its workflow cancelled it.</summary>
    public const string Cancelled = "CANCELLED";

    /// <summary>Feedback that no rule follows, or that names tasks which cannot run again: a warning in a run's error log.</summary>
    public const string FeedbackIgnored = "FEEDBACK_IGNORED";

    /// <summary>What nobody could classify.</summary>
    public const string UnknownError = "UNKNOWN_ERROR";

    /// <summary>A language model took too long. Retried by default.</summary>
    public const string LlmTimeout = "LLM_TIMEOUT";

    /// <summary>A language model's rate limit (HTTP 429). Retried by default.</summary>
    public const string LlmRateLimit = "LLM_RATE_LIMIT";

    /// <summary>Something that may well work the next time. Retried by default.</summary>
    public const string TransientError = "TRANSIENT_ERROR";
}
