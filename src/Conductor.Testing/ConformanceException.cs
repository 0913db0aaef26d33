namespace Conductor.Testing;

/// <summary>A provider does not keep what its abstraction promises.</summary>
public sealed class ConformanceException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What was expected and what was found.</param>
    /// <param name="innerException">What was thrown instead, if anything.</param>
    public ConformanceException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
