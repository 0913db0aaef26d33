namespace Conductor;

/// <summary>Turns exceptions into error records with a code. Replace it to teach the library your own exceptions.</summary>
/// <remarks>Implementations must be thread-safe.</remarks>
public abstract class ErrorClassifier
{
    /// <summary>The classifier that is used unless another is registered.</summary>
    public static ErrorClassifier Default { get; } = new DefaultErrorClassifier();

    /// <summary>Turns an exception into an error record.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <returns>The record; its code is UNKNOWN_ERROR for what nobody knows.</returns>
    /// <exception cref="InvalidOperationException">This classifier gave a record without a code.</exception>
    public TaskError Classify(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        if (ClassifyCore(exception) is { } known)
        {
            return Complete(known, exception);
        }

        // Of the one exception that Task.Wait and Task.Result wrap, a classifier of the application's own may know more.
        return exception is AggregateException { InnerExceptions: [var only] } ? Classify(only) : Default.ClassifyCore(exception)!;
    }

    /// <summary>
    /// Classifies what this classifier knows. What it throws at the library is logged (event 1606), and <see cref="Default"/> is asked instead; so it is
    /// where the record has no code.
    /// </summary>
    /// <param name="exception">What was thrown.</param>
    /// <returns>The record, or null to leave it to <see cref="Default"/>.</returns>
    protected abstract TaskError? ClassifyCore(Exception exception);

    /// <summary>All that comes after goes by the code, and people by the message.</summary>
    private TaskError Complete(TaskError known, Exception exception)
    {
        if (string.IsNullOrWhiteSpace(known.Code))
        {
            throw new InvalidOperationException(
                $"{GetType()} gave an error without a code. Let it set TaskError.Code (one of ErrorCodes, or a code of its own), or give null for what it " +
                    "does not know.");
        }

        return known.Message is null ? known with { Message = ExceptionText.Of(exception) } : known;
    }
}
