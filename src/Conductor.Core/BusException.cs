namespace Conductor;

/// <summary>The message bus could not do it: BUS_NOT_CONNECTED, BUS_DISCONNECTED or REQUEST_TIMEOUT.</summary>
public sealed class BusException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="errorCode">One of the bus codes of <see cref="ErrorCodes"/>.</param>
    /// <param name="message">What happened and what to do.</param>
    /// <param name="innerException">What caused it, if known.</param>
    public BusException(string errorCode, string message, Exception? innerException = null)
        : base(errorCode, message, innerException)
    {
    }
}
