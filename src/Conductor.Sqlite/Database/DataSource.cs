namespace Conductor.Sqlite.Database;

/// <summary>
/// The file that a connection string names: by its path, or by an address (<c>file:…</c>, see https://www.sqlite.org/uri.html). Immutable.
/// </summary>
internal sealed class DataSource
{
    /// <summary>SQLite knows it in small letters alone.</summary>
    private const string Scheme = "file:";

    private const string Mode = "mode";
    private const string DataDirectory = "DataDirectory";
    private const string DataDirectoryMacro = $"|{DataDirectory}|";

    private readonly string[] _query = [];

    /// <summary>Finds the file.</summary>
    /// <param name="source">As it stands in the connection string; not empty.</param>
    public DataSource(string source)
    {
        if (!source.StartsWith(Scheme, StringComparison.Ordinal))
        {
            // A program that changes its working folder goes on with the same file.
            Path = Name = NameOfExisting = System.IO.Path.GetFullPath(InDataDirectory(source));
            return;
        }

        IsAddress = true;
        var address = source[Scheme.Length..].Split('#')[0].Split('?', 2);
        _query = address.Length > 1 ? address[1].Split('&') : [];
        var path = Decode(address[0]);
        if (path.Length == 0)
        {
            // SQLite opens a file of its own making, and deletes it at the end.
            Path = path;
            Name = NameOfExisting = source;
            return;
        }

        Path = System.IO.Path.GetFullPath(path);
        var place = System.IO.Path.IsPathRooted(path) ? address[0] : Encode(Path);
        Name = Address(place, _query);
        NameOfExisting = Address(place, _query.Where(static parameter => KeyOf(parameter) != Mode));
    }

    /// <summary>Whether it is an address, whose parameters may change what is opened.</summary>
    public bool IsAddress { get; }

    /// <summary>The path of the file; empty for an address that names none.</summary>
    public string Path { get; }

    /// <summary>What SQLite opens.</summary>
    public string Name { get; }

    /// <summary>The same for a connection that makes no file: an address that asks for more than the connection may is refused.</summary>
    public string NameOfExisting { get; }

    /// <summary>The same as <see cref="NameOfExisting"/>, of the file that was found there.</summary>
    /// <param name="path">Its path, without symbolic links.</param>
    public string NameAt(string path) => IsAddress ? Address(Encode(path), _query.Where(static parameter => KeyOf(parameter) != Mode)) : path;

    /// <summary>What an address says of something beside the path; null where it says nothing.</summary>
    public string? Parameter(string key) =>
        _query.LastOrDefault(parameter => KeyOf(parameter) == key)?.Split('=', 2) is [_, var value] ? Uri.UnescapeDataString(value) : null;

    /// <summary>A program may say where its data is. As Microsoft.Data.Sqlite has it, for connections of the program's own to the same file.</summary>
    private static string InDataDirectory(string source)
    {
        if (AppDomain.CurrentDomain.GetData(DataDirectory) is not string { Length: > 0 } folder
            || source.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return source;
        }

        // Combined with a path that is rooted, it is that.
        return System.IO.Path.Combine(
            folder, source.StartsWith(DataDirectoryMacro, StringComparison.OrdinalIgnoreCase) ? source[DataDirectoryMacro.Length..] : source);
    }

    private static string Decode(string path)
    {
        // After an authority, which is empty or this machine, the path begins with the next slash.
        if (path.StartsWith("//", StringComparison.Ordinal))
        {
            var begin = path.IndexOf('/', 2);
            path = begin < 0 ? string.Empty : path[begin..];
        }

        // What follows a NUL, SQLite does not see.
        path = Uri.UnescapeDataString(path).Split('\0')[0];
        return OperatingSystem.IsWindows() && path.Length > 2 && path[0] == '/' && path[2] == ':' ? path[1..] : path;
    }

    private static string Encode(string path)
    {
        path = path.Replace("%", "%25", StringComparison.Ordinal).Replace("?", "%3f", StringComparison.Ordinal).Replace("#", "%23", StringComparison.Ordinal);
        return OperatingSystem.IsWindows() ? "///" + path.Replace('\\', '/') : "//" + path;
    }

    private static string Address(string place, IEnumerable<string> query) =>
        string.Join('&', query) is { Length: > 0 } parameters ? $"{Scheme}{place}?{parameters}" : Scheme + place;

    private static string KeyOf(string parameter) => Uri.UnescapeDataString(parameter.Split('=', 2)[0]);
}
