using System.Diagnostics;
using Conductor.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Conductor.Messaging;

/// <summary>
/// The handling of one message: counted at its end, and traced and measured as far as anybody listens. Who listens and fails is logged, and keeps nobody from
/// handling it.
/// </summary>
internal readonly struct MessageHandling
{
    private readonly Activity? _activity;
    private readonly bool _isMeasured;
    private readonly long _startedAt;

    /// <summary>A handler is about to get a message of a channel.</summary>
    public MessageHandling(ConductorEnvironment environment, string channel, AgentMessage message)
    {
        _isMeasured = environment.Instruments.ProcessDuration.Enabled;
        _startedAt = _isMeasured ? environment.TimeProvider.GetTimestamp() : 0;
        _activity = ConductorTelemetry.IsTracing ? Trace(environment, channel, message) : null;
    }

    /// <summary>Says that somebody who listens to traces failed.</summary>
    public static void ListenerFailed(ConductorEnvironment environment, Exception exception) =>
        Log.ListenerFailed(environment.LoggerFactory.CreateLogger<MessageBus>(), exception);

    /// <summary>The handler failed.</summary>
    public void Fail(Exception exception) => _activity.Fail(exception.GetType().FullName!, ExceptionText.Of(exception));

    /// <summary>The handler is done, or has failed.</summary>
    public void End(ConductorEnvironment environment)
    {
        if (environment.Instruments.ConsumedMessages.Enabled || _isMeasured || _activity is not null)
        {
            EndListened(environment);
        }
    }

    private static Activity? Trace(ConductorEnvironment environment, string channel, AgentMessage message)
    {
        try
        {
            return MessageTracing.StartProcess(channel, message);
        }
#pragma warning disable CA1031 // See above.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ListenerFailed(environment, exception);
            return null;
        }
    }

    private void EndListened(ConductorEnvironment environment)
    {
        try
        {
            using (_activity)
            {
                environment.Instruments.ConsumedMessages.Record(1);
                if (_isMeasured)
                {
                    environment.Instruments.ProcessDuration.Record(environment.TimeProvider.GetElapsedTime(_startedAt).TotalSeconds);
                }
            }
        }
#pragma warning disable CA1031 // See above.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ListenerFailed(environment, exception);
        }
    }
}
