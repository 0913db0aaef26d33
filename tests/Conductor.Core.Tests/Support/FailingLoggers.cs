using Microsoft.Extensions.Logging;

namespace Conductor.Tests.Support;

/// <summary>Loggers whose provider has failed: its disk is full, say.</summary>
internal sealed class FailingLoggers : ILoggerProvider, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => throw new IOException("the logger");

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        throw new IOException("the logger");

    public void Dispose()
    {
    }
}
