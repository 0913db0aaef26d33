using System.Diagnostics;
using Conductor.Diagnostics;

namespace Conductor.Messaging;

/// <summary>The handling of one message: counted at its end, and traced and measured as far as anybody listens.</summary>
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
        _activity = MessageTracing.StartProcess(channel, message);
    }

    /// <summary>The handler failed.</summary>
    public void Fail(Exception exception) => _activity.Fail(exception.GetType().FullName!, exception.Message);

    /// <summary>The handler is done, or has failed.</summary>
    public void End(ConductorEnvironment environment)
    {
        var instruments = environment.Instruments;
        instruments.ConsumedMessages.Add(1);
        if (_isMeasured)
        {
            instruments.ProcessDuration.Record(environment.TimeProvider.GetElapsedTime(_startedAt).TotalSeconds);
        }

        _activity?.Dispose();
    }
}
