using System.Diagnostics.Metrics;
using Conductor.Diagnostics;

namespace Conductor.Testing;

/// <summary>Makes meters that nobody hears, not even who listens to all: a meter that is disposed of publishes no instruments.</summary>
internal sealed class SilentMeterFactory : IMeterFactory
{
    public static SilentMeterFactory Instance { get; } = new();

    /// <summary>The same surroundings with such meters, for what stands in front of another that measures.</summary>
    public static ConductorEnvironment Silence(ConductorEnvironment? environment)
    {
        var heard = environment ?? ConductorEnvironment.Default;
        return new ConductorEnvironment(heard.TimeProvider, heard.LoggerFactory, Instance, heard.ErrorClassifier, heard.RecordSensitiveData);
    }

    public Meter Create(MeterOptions options)
    {
        var meter = new Meter(options);
        meter.Dispose();
        return meter;
    }

    public void Dispose()
    {
    }
}
