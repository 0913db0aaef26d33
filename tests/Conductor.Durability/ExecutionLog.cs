using System.Globalization;
using System.Text;

namespace Conductor.Durability;

/// <summary>What a process did, written outside the store line by line: a line is in the file before the work goes on. Thread-safe.</summary>
internal sealed class ExecutionLog : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FileStream _file;

    public ExecutionLog(string folder)
    {
        Directory.CreateDirectory(folder);
        _file = new FileStream(
            Path.Combine(folder, $"{Environment.ProcessId}-{Guid.NewGuid():N}.log"), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }

    /// <summary>Writes <c>kind key time detail</c>.</summary>
    public void Write(string kind, string key, string detail = "-")
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{kind}\t{key}\t{TimeProvider.System.GetUtcNow().UtcTicks}\t{detail}\n");
        lock (_gate)
        {
            _file.Write(Encoding.UTF8.GetBytes(line));
        }
    }

    public void Dispose() => _file.Dispose();
}
