using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Conductor.Diagnostics;

/// <summary>
/// What every component takes from its surroundings: the clock, loggers, meters and the error classifier. <c>AddConductor()</c> makes one
/// from the container; a component built by hand without one gets the system's clock, no logs and a meter of its own. Immutable and
/// thread-safe.
/// </summary>
public sealed class ConductorEnvironment
{
    private readonly Lazy<ConductorInstruments> _instruments;
    private readonly ILogger _logger;

    /// <summary>Makes an environment.</summary>
    /// <param name="timeProvider">The clock that everything waits and measures by. Default: the system's.</param>
    /// <param name="loggerFactory">Where loggers come from. Default: none.</param>
    /// <param name="meterFactory">Where the meter comes from. Default: a meter of its own.</param>
    /// <param name="errorClassifier">Gives codes to exceptions. Default: <see cref="ErrorClassifier.Default"/>.</param>
    /// <param name="recordSensitiveData">Whether spans carry inputs and outputs of tasks. Default: false.</param>
    public ConductorEnvironment(
        TimeProvider? timeProvider = null,
        ILoggerFactory? loggerFactory = null,
        IMeterFactory? meterFactory = null,
        ErrorClassifier? errorClassifier = null,
        bool recordSensitiveData = false)
    {
        TimeProvider = timeProvider ?? TimeProvider.System;
        LoggerFactory = GuardedLoggerFactory.Of(loggerFactory);
        _logger = LoggerFactory.CreateLogger<ConductorEnvironment>();
        ErrorClassifier = errorClassifier ?? ErrorClassifier.Default;
        RecordSensitiveData = recordSensitiveData;
        _instruments = new Lazy<ConductorInstruments>(() => new ConductorInstruments(meterFactory, _logger));
    }

    /// <summary>The environment of components that are built by hand.</summary>
    public static ConductorEnvironment Default { get; } = new();

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>Where loggers come from. They never throw, whatever their providers do.</summary>
    public ILoggerFactory LoggerFactory { get; }

    /// <summary>Gives codes to exceptions.</summary>
    public ErrorClassifier ErrorClassifier { get; }

    /// <summary>Whether spans carry inputs and outputs of tasks.</summary>
    public bool RecordSensitiveData { get; }

    internal ConductorInstruments Instruments => _instruments.Value;

    /// <summary>Whether somebody listens to how long handlers of messages take.</summary>
    internal bool MeasuresHandlers => ConductorTelemetry.IsTracing || Instruments.ProcessDuration.Enabled;

    /// <summary>Somebody who listens to traces failed.</summary>
    internal void TracingFailed(Exception exception) => Log.TracingFailed(_logger, exception);

    /// <summary>
    /// Turns an exception into an error record, for whoever has to go on whatever the classifier does: when that throws, it is logged and the default
    /// one is asked. Never throws.
    /// </summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="task">The task it is about, as far as it is known.</param>
    /// <param name="workflowId">The run it is about.</param>
    internal TaskError Classify(Exception exception, TaskDefinition? task, string? workflowId)
    {
        try
        {
            return ErrorClassifier.Classify(exception);
        }
#pragma warning disable CA1031 // A user's classifier may throw anything.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.ClassifierFailed(_logger, failure, exception.GetType().FullName, task?.Id, workflowId, ExceptionText.Of(exception));
            return ErrorClassifier.Default.Classify(exception);
        }
    }
}
