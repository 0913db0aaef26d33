namespace ReleasePipeline.Tools;

/// <summary>A tool failed.</summary>
internal sealed class ToolException(ToolResult result) : Exception(Describe(result))
{
    private const int MaxLines = 8;

    private static string Describe(ToolResult result)
    {
        var complaints = result.Lines
            .Where(line => line.Contains("error", StringComparison.OrdinalIgnoreCase))
            .Distinct()
            .Take(MaxLines)
            .ToList();
        return $"'{result.Command}' exited with {result.ExitCode} in '{result.Folder}':{Environment.NewLine}"
            + string.Join(Environment.NewLine, complaints.Count > 0 ? complaints : result.Lines.TakeLast(MaxLines));
    }
}
