namespace Conductor.Samples.Tests.Guide;

internal sealed class VendorErrors : ErrorClassifier
{
    protected override TaskError? ClassifyCore(Exception exception) => exception is VendorException { Status: 429 }
        ? new TaskError { Code = ErrorCodes.LlmRateLimit, Message = exception.Message, RetryAfter = TimeSpan.FromSeconds(20) }
        : null; // The default classifier knows the rest.
}
