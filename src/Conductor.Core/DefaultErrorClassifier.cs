using System.Data.Common;
using System.Net;
using System.Net.Sockets;

namespace Conductor;

/// <summary>
/// HTTP 429 is a rate limit; 408, 5xx, I/O and transient database errors are transient; timeouts are AGENT_TIMEOUT; the rest is unknown.
/// </summary>
internal sealed class DefaultErrorClassifier : ErrorClassifier
{
    protected override TaskError ClassifyCore(Exception exception)
    {
        if (exception is AggregateException { InnerExceptions: [var only] })
        {
            return ClassifyCore(only);
        }

        var (code, isTransient) = Code(exception);
        return new TaskError
        {
            Code = code,
            Message = ExceptionText.Of(exception),
            Type = exception.GetType().FullName,
            IsTransient = isTransient,
            RetryAfter = (exception as ConductorException)?.RetryAfter,
        };
    }

    private static (string Code, bool? IsTransient) Code(Exception exception) => exception switch
    {
        ConductorException own => (own.ErrorCode, own.IsTransient),
        HttpRequestException { StatusCode: HttpStatusCode.TooManyRequests } => (ErrorCodes.LlmRateLimit, null),
        HttpRequestException { StatusCode: HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError } => (ErrorCodes.TransientError, null),
        HttpRequestException { StatusCode: null } => (ErrorCodes.TransientError, null),
        HttpRequestException => (ErrorCodes.UnknownError, null),
        DbException { IsTransient: true } => (ErrorCodes.TransientError, null),
        TimeoutException => (ErrorCodes.AgentTimeout, null),

        // HttpClient reports its own time limit as a cancellation with a TimeoutException inside.
        OperationCanceledException { InnerException: TimeoutException } => (ErrorCodes.AgentTimeout, null),
        IOException or SocketException => (ErrorCodes.TransientError, null),
        _ => (ErrorCodes.UnknownError, null),
    };
}
