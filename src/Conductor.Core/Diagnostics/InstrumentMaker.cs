using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Conductor.Diagnostics;

/// <summary>Makes instruments of whose listeners none can end the making: one that throws when it is told of an instrument is logged.</summary>
internal static class InstrumentMaker
{
    /// <summary>Makes an instrument.</summary>
    /// <param name="meter">Its meter.</param>
    /// <param name="name">Its name.</param>
    /// <param name="make">Makes it.</param>
    /// <param name="logger">Told of listeners that fail.</param>
    public static T Make<T>(Meter meter, string name, Func<Meter, T> make, ILogger logger)
        where T : Instrument
    {
        try
        {
            return make(meter);
        }
#pragma warning disable CA1031 // A listener may throw anything.
        catch (Exception exception) when (Find<T>(meter, name) is { } made)
#pragma warning restore CA1031
        {
            Log.ListenerFailed(logger, exception, name);
            return made;
        }
    }

    /// <summary>
    /// The instrument itself, which is the meter's before anybody is told of it. To make it anew would be to have two of one name, and to be thrown at
    /// again. (.NET tells nobody who comes after the one that throws; whoever begins to listen later is told.)
    /// </summary>
    private static T? Find<T>(Meter meter, string name)
        where T : Instrument
    {
        T? found = null;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
                found = ReferenceEquals(instrument.Meter, meter) && instrument.Name == name && instrument is T made ? made : found,
        };
        listener.Start();
        return found;
    }
}
