namespace Conductor;

/// <summary>What an agent's own code throws to say with which code it failed, and whether trying again may help.</summary>
public sealed class AgentException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="errorCode">One of <see cref="ErrorCodes"/>, or your own.</param>
    /// <param name="message">What happened.</param>
    /// <param name="innerException">What caused it, if known.</param>
    public AgentException(string errorCode, string message, Exception? innerException = null)
        : base(errorCode, message, innerException)
    {
    }
}
