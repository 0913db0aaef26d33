using System.Diagnostics.Metrics;

namespace Conductor.Diagnostics;

/// <summary>
/// Makes the meter of a container that has no <see cref="IMeterFactory"/>, and disposes it with the container: a meter that nobody disposes stays,
/// with its instruments, as long as the process. Thread-safe.
/// </summary>
internal sealed class OwnMeterFactory : IMeterFactory
{
    private readonly Lock _gate = new();
    private readonly List<Meter> _meters = [];

    /// <inheritdoc />
    public Meter Create(MeterOptions options)
    {
        var meter = new Meter(options);
        lock (_gate)
        {
            _meters.Add(meter);
        }

        return meter;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_gate)
        {
            _meters.ForEach(static meter => meter.Dispose());
            _meters.Clear();
        }
    }
}
