using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conductor.Diagnostics;

/// <summary>
/// Loggers that never throw. A provider that fails (its disk is full, its server gone) makes a logger throw, and what was only to be told of a thing must not
/// end it: a run, a lease's renewal, the process. Belongs to nobody who would dispose it. Thread-safe.
/// </summary>
internal sealed class GuardedLoggerFactory(ILoggerFactory inner) : ILoggerFactory
{
    /// <summary>A factory with a guard: one that needs none, or has one, is given as it is.</summary>
    public static ILoggerFactory Of(ILoggerFactory? factory) => factory switch
    {
        null => NullLoggerFactory.Instance,
        NullLoggerFactory or GuardedLoggerFactory => factory,
        _ => new GuardedLoggerFactory(factory),
    };

    public ILogger CreateLogger(string categoryName) => new GuardedLogger(inner.CreateLogger(categoryName));

    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    public void Dispose()
    {
        // The inner one is its maker's.
    }

#pragma warning disable CA1031 // It was the logger: nobody is left to be told.
    private sealed class GuardedLogger(ILogger inner) : ILogger
    {
        public bool IsEnabled(LogLevel logLevel)
        {
            try
            {
                return inner.IsEnabled(logLevel);
            }
            catch (Exception)
            {
                return false;
            }
        }

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            try
            {
                inner.Log(logLevel, eventId, state, exception, formatter);
            }
            catch (Exception)
            {
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            try
            {
                return inner.BeginScope(state);
            }
            catch (Exception)
            {
                return null;
            }
        }
    }
#pragma warning restore CA1031
}
