using System.Diagnostics.Metrics;

namespace Conductor.Testing;

/// <summary>Makes meters that nobody hears, not even who listens to all: a meter that is disposed of publishes no instruments.</summary>
internal sealed class SilentMeterFactory : IMeterFactory
{
    public static SilentMeterFactory Instance { get; } = new();

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
