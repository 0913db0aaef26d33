using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Conductor.Diagnostics;

/// <summary>
/// An instrument of whose listeners none can end what is measured: one that throws is logged. Costs next to nothing while nobody listens.
/// Thread-safe.
/// </summary>
/// <param name="instrument">The instrument.</param>
/// <param name="measure">Has it measure.</param>
/// <param name="logger">Told of listeners that fail.</param>
internal sealed class GuardedInstrument<T>(Instrument<T> instrument, GuardedInstrument<T>.Measure measure, ILogger logger)
    where T : struct
{
    public delegate void Measure(T value, ReadOnlySpan<KeyValuePair<string, object?>> tags);

    /// <summary>Whether anybody listens.</summary>
    public bool Enabled => instrument.Enabled;

    /// <summary>Counts, or records, a value.</summary>
    public void Record(T value, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (!instrument.Enabled)
        {
            return;
        }

        try
        {
            measure(value, tags);
        }
#pragma warning disable CA1031 // A listener may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ListenerFailed(logger, exception, instrument.Name);
        }
    }
}
