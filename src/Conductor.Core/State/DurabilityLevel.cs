namespace Conductor.State;

/// <summary>What a save that returned survives.</summary>
public enum DurabilityLevel
{
    /// <summary>Nothing beyond the process: memory.</summary>
    Volatile,

    /// <summary>The death of the process.</summary>
    ProcessCrash,

    /// <summary>The loss of power.</summary>
    PowerLoss,

    /// <summary>The loss of a machine.</summary>
    NodeLoss,
}
