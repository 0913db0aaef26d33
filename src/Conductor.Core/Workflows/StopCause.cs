namespace Conductor.Workflows;

/// <summary>Why a run stops before its end.</summary>
internal enum StopCause
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>Somebody cancelled it.</summary>
    Cancelled,

    /// <summary>It took longer than its definition allows.</summary>
    TimedOut,

    /// <summary>The engine stops: running tasks may finish, then it is handed over.</summary>
    Draining,

    /// <summary>The engine stops and waits no longer.</summary>
    HandedOver,

    /// <summary>Another process owns it, or it cannot be saved.</summary>
    Lost,

    /// <summary>It is over, and cannot stop any more.</summary>
    Over,
}
