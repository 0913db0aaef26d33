using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Conductor.Durability;

/// <summary>A process that is killed, paused or left alone.</summary>
internal sealed class Victim : IDisposable
{
    private const int SigKill = 9;
    private const int SigCont = 18;
    private const int SigStop = 19;

    /// <summary>In characters: a few warnings with their exceptions.</summary>
    private const int LastWords = 6_000;

    private readonly Process _process;
    private readonly Task<string> _errors;

    private Victim(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public bool HasExited => _process.HasExited;

    /// <summary>Whether it ended by itself with everything done.</summary>
    public bool Succeeded => _process.HasExited && _process.ExitCode == 0;

    public static Victim Start(WorkerOptions options)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardError = true };
        foreach (var argument in options.ToArguments())
        {
            start.ArgumentList.Add(argument);
        }

        return new Victim(Process.Start(start) ?? throw new InvalidOperationException("The victim did not start."));
    }

    public void Kill() => Send(SigKill);

    public void Pause() => Send(SigStop);

    public void GoOn() => Send(SigCont);

    /// <summary>Waits for its end.</summary>
    /// <returns>False when it is still there after the limit.</returns>
    public async Task<bool> WaitAsync(TimeSpan limit)
    {
        using var timeout = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Waits for its end, and ends it itself when the limit is over: only then is all there that it logged.</summary>
    /// <returns>What went wrong, with what it logged last; null when it succeeded or was killed before the limit.</returns>
    public async Task<string?> ComplaintAsync(TimeSpan limit)
    {
        if (!await WaitAsync(limit))
        {
            _process.Kill();
            return $"A process did not end within {limit.TotalSeconds:0} s. {await LastWordsAsync()}";
        }

        return _process.ExitCode is 0 or 128 + SigKill ? null : $"exit {_process.ExitCode}. {await LastWordsAsync()}";
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private async Task<string> LastWordsAsync()
    {
        var errors = await _errors;
        return errors.Length == 0 ? "It logged nothing." : $"It logged last:{Environment.NewLine}{errors[^Math.Min(errors.Length, LastWords)..]}";
    }

    private void Send(int signal)
    {
        if (!_process.HasExited)
        {
            _ = SendSignal(_process.Id, signal);
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);
}
