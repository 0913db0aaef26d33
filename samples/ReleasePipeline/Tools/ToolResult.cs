namespace ReleasePipeline.Tools;

/// <summary>How the run of a tool ended. Immutable.</summary>
internal sealed record ToolResult
{
    /// <summary>What was run.</summary>
    public required string Command { get; init; }

    /// <summary>The folder it ran in.</summary>
    public required string Folder { get; init; }

    /// <summary>Its exit code.</summary>
    public required int ExitCode { get; init; }

    /// <summary>What it wrote to standard output.</summary>
    public required string Output { get; init; }

    /// <summary>What it wrote to standard error.</summary>
    public required string Error { get; init; }

    /// <summary>True when it exited with 0.</summary>
    public bool Succeeded => ExitCode == 0;

    /// <summary>The lines of both outputs, without empty ones.</summary>
    public IEnumerable<string> Lines =>
        (Output + '\n' + Error).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Throws unless it succeeded.</summary>
    /// <returns>This result.</returns>
    /// <exception cref="ToolException">It did not; the message names the command, the folder and what it complained about.</exception>
    public ToolResult EnsureSucceeded() => Succeeded ? this : throw new ToolException(this);
}
