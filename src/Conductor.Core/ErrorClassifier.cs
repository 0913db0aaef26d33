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
    public TaskError Classify(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return ClassifyCore(exception) ?? Default.ClassifyCore(exception)!;
    }

    /// <summary>The same for whoever must go on whatever the classifier does: when it throws, the default one is asked.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="failure">What the classifier itself threw, to be logged; null as it should be.</param>
    internal TaskError Classify(Exception exception, out Exception? failure)
    {
        try
        {
            failure = null;
            return Classify(exception);
        }
#pragma warning disable CA1031 // A user's classifier may throw anything.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            failure = thrown;
            return Default.Classify(exception);
        }
    }

    /// <summary>Classifies what this classifier knows.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <returns>The record, or null to leave it to <see cref="Default"/>.</returns>
    protected abstract TaskError? ClassifyCore(Exception exception);
}
