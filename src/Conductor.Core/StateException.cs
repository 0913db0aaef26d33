namespace Conductor;

/// <summary>
/// The store could not do it: STATE_NOT_CONNECTED, STATE_CONFLICT, STATE_CORRUPT, STATE_INCOMPATIBLE or LEASE_LOST, and nothing was changed; or
/// STATE_UNAVAILABLE, and what became of the save is unknown.
/// </summary>
public sealed class StateException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="errorCode">One of the store codes of <see cref="ErrorCodes"/>.</param>
    /// <param name="message">What happened and what to do.</param>
    /// <param name="innerException">What caused it, if known.</param>
    public StateException(string errorCode, string message, Exception? innerException = null)
        : base(errorCode, message, innerException)
    {
    }

    /// <summary>The store key it concerns, if any.</summary>
    public string? Key { get; init; }
}
