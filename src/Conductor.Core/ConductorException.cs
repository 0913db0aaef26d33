namespace Conductor;

/// <summary>The base of every failure this library throws: it carries a code and says whether trying again may help.</summary>
public abstract class ConductorException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="errorCode">One of <see cref="ErrorCodes"/>, or the user's own.</param>
    /// <param name="message">What happened, naming the thing and the fix.</param>
    /// <param name="innerException">What caused it, if known.</param>
    protected ConductorException(string errorCode, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(errorCode);
        ErrorCode = errorCode;
    }

    /// <summary>One of <see cref="ErrorCodes"/>, or the user's own.</summary>
    public string ErrorCode { get; }

    /// <summary>Whether trying again may help. Default: null, the code decides; when set, it beats the code.</summary>
    public bool? IsTransient { get; init; }

    /// <summary>How long to wait before trying again at least, when the other side said so.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
