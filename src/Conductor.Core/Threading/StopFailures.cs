using System.Runtime.CompilerServices;

namespace Conductor.Threading;

/// <summary>
/// Remembers which exceptions were made because a coordinator, or an engine of it, stops: a task that fails with one of them has not failed by
/// itself, whatever its agent has put around it. Noted beside the exceptions, whose types and data are what callers see. Thread-safe.
/// </summary>
internal static class StopFailures
{
    private static readonly ConditionalWeakTable<Exception, string> _stopped = [];

    /// <summary>Notes that an exception is made for a stop.</summary>
    /// <param name="exception">The exception.</param>
    /// <param name="coordinatorId">The coordinator that stops, or whose engine does.</param>
    /// <returns>The same exception.</returns>
    public static TException Mark<TException>(TException exception, string coordinatorId)
        where TException : Exception
    {
        _stopped.AddOrUpdate(exception, coordinatorId);
        return exception;
    }

    /// <summary>Whether an exception was made for the stop of a coordinator, or has one inside that was.</summary>
    public static bool IsOf(Exception? exception, string coordinatorId)
    {
        for (var current = exception; current is not null; current = current.InnerException)
        {
            if (_stopped.TryGetValue(current, out var stopped) && stopped == coordinatorId)
            {
                return true;
            }

            if (current is AggregateException several)
            {
                return several.InnerExceptions.Any(inner => IsOf(inner, coordinatorId));
            }
        }

        return false;
    }
}
