namespace ReleasePipeline;

/// <summary>What the program was asked to do. Immutable.</summary>
internal sealed record Arguments
{
    /// <summary>How to call it.</summary>
    public const string Usage = "Usage: ReleasePipeline [<folder of a .NET class library>] [--keep]   (--keep leaves the workspace behind)";

    /// <summary>The library's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>True to leave the workspace behind.</summary>
    public bool Keep { get; init; }

    private static string Shipped => Path.Combine(AppContext.BaseDirectory, "input", "Fathom", "src", "Fathom");

    /// <summary>Reads them.</summary>
    /// <param name="arguments">What the program was called with.</param>
    /// <exception cref="InputException">There is one that it does not know, one is empty, or there are too many.</exception>
    public static Arguments Parse(IReadOnlyList<string> arguments)
    {
        var folders = arguments.Where(argument => !argument.StartsWith('-')).ToList();
        var unknown = arguments.FirstOrDefault(argument => argument.StartsWith('-') && argument != "--keep");
        if (unknown is not null || folders.Count > 1)
        {
            var complaint = unknown is not null ? $"Unknown option '{unknown}'." : "More than one folder was given.";
            throw new InputException($"{complaint} {Usage}");
        }

        if (folders.Exists(string.IsNullOrWhiteSpace))
        {
            throw new InputException($"The name of the library's folder is empty. {Usage}");
        }

        return new Arguments { Folder = folders.Count == 1 ? folders[0] : Shipped, Keep = arguments.Contains("--keep") };
    }
}
