using System.Diagnostics.Metrics;

namespace Conductor.Tests.Support;

/// <summary>Makes a meter for one test, so that others at the same time are not heard.</summary>
internal sealed class OwnMeters : IMeterFactory
{
    public Meter Create(MeterOptions options) => new(options);

    public void Dispose()
    {
    }
}
